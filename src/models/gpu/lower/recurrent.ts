import type { GpuSpec } from '../spec.ts';
import type { SmCache } from '../units/chip.ts';
import { fastest, type TimedKernel, timed } from './choose.ts';
import { type Candidate, gemmCandidates, type Product, tiledCandidate } from './gemm.ts';
import { streamKernel } from './stream.ts';

/** A layer over a sequence whose inputs are projected elsewhere: what depends on the step before. */
export interface Recurrence {
  readonly cell: 'vanilla' | 'gru' | 'lstm';
  readonly pass: 'forward' | 'input-gradient' | 'weight-gradient';
  readonly hidden: number;
  readonly batch: number;
  readonly timeSteps: number;
  readonly precision: string;
  readonly operandBytes: number;
}

/** Kernels of one step, how often they run, and the time of the whole call. */
export interface RecurrentCall {
  readonly step: readonly TimedKernel[];
  readonly steps: number;
  readonly seconds: number;
}

/** Products per step, and values per unit that the pointwise part reads and writes besides the products' results. */
const CELLS = {
  vanilla: { gates: 1, states: 1, sfu: 2 },
  gru: { gates: 3, states: 1, sfu: 6 },
  lstm: { gates: 4, states: 2, sfu: 10 },
} as const;

/** Times a recurrent layer. Forward and input gradients go from step to step; weight gradients are one product over all of them. */
export function recurrentCall(spec: GpuSpec, recurrence: Recurrence, cache: SmCache): RecurrentCall {
  return recurrence.pass === 'weight-gradient'
    ? weightGradient(spec, recurrence, cache)
    : stepByStep(spec, recurrence, cache);
}

function stepByStep(spec: GpuSpec, recurrence: Recurrence, cache: SmCache): RecurrentCall {
  const { startUs, kernelUs, queuedKernels, queuedKernelUs } = spec.library.recurrence;
  const product = stepProduct(spec, recurrence);
  const fixed = fixedWay(spec, recurrence.pass, product);
  const candidates = fixed === null ? gemmCandidates(spec, product) : [fixed];
  // A step's kernels are chosen for the gaps that they really have.
  const inStep: GpuSpec = { ...spec, launch: { firstUs: kernelUs, nextUs: kernelUs } };
  const pointwise = timed(inStep, [pointwiseKernel(spec, recurrence)], cache);
  const step = [...fastest(inStep, candidates, cache).kernels, ...pointwise.kernels];
  const stepUs = step.reduce((sum, { timing }) => sum + timing.cycles, 0) / spec.clockMHz;
  const kernels = step.filter(({ kernel }) => kernel.continues !== true).length * recurrence.timeSteps;
  const gapsUs = Math.min(kernels, queuedKernels) * kernelUs + Math.max(0, kernels - queuedKernels) * queuedKernelUs;
  return { step, steps: recurrence.timeSteps, seconds: (startUs + gapsUs + stepUs * recurrence.timeSteps) / 1e6 };
}

/** The library's one way to compute the product of a step; null if it takes the fastest. */
function fixedWay(spec: GpuSpec, pass: Recurrence['pass'], product: Product): Candidate | null {
  const { tile, plain } = spec.library.recurrence;
  if (spec.math[product.precision]!.unit === 'cuda') {
    const ways = plain[product.precision];
    if (ways === undefined) return null;
    const way = ways.find(({ columns }) => product.n <= columns) ?? ways.at(-1)!;
    return tiledCandidate({ ...spec, library: { ...spec.library, stages: way.stages } }, way, product, way.slices);
  }
  return pass === 'forward' ? tiledCandidate(spec, tile, product, 1) : null;
}

/** The product of a step, weights on the left; the same weights come round in the next step. */
function stepProduct(spec: GpuSpec, recurrence: Recurrence): Product {
  const { cell, pass, hidden, batch, precision, operandBytes } = recurrence;
  const wide = CELLS[cell].gates * hidden;
  const [m, k] = pass === 'forward' ? [wide, hidden] : [hidden, wide];
  const tensor = spec.math[precision]!.unit === 'tensor';
  const leftBytes = m * k * operandBytes;
  const rightBytes = k * batch * operandBytes;
  return {
    name: 'recurrent step',
    batch: 1,
    m,
    n: batch,
    k,
    precision,
    operandBytes,
    resultBytes: operandBytes,
    // Rows of the weights belong to gates: forward sums run along them, those of gradients across. Kernels of plain pipes read them
    // as fast as any stream (DeepBench: 670 of V100's 900 GB/s for 4096 units in fp32), whatever the pitch.
    leftPitchBytes: tensor && pass === 'forward' ? k * operandBytes : null,
    rightPitchBytes: tensor ? k * operandBytes : null,
    readsResult: true,
    leftBytes,
    rightBytes,
    warmBytes: leftBytes + rightBytes + m * batch * operandBytes,
  };
}

/** Activations of all gates and the new state, or their gradients; what the product before left is in L2. */
function pointwiseKernel(spec: GpuSpec, { cell, pass, hidden, batch, operandBytes }: Recurrence) {
  const { gates, states, sfu } = CELLS[cell];
  const forward = pass === 'forward';
  return streamKernel(spec, {
    name: 'recurrent pointwise',
    elements: hidden * batch,
    readBytesPerElement: (forward ? 2 * gates + states - 1 : 2 * gates + 2 * states) * operandBytes,
    writeBytesPerElement: (forward ? states : gates + states) * operandBytes,
    aluPerElement: 4 * gates,
    sfuPerElement: forward ? sfu : 0,
    offChipReadShare: 0.5,
    offChipWriteShare: 0,
  });
}

/**
 * Gradients of all steps, side by side, times their inputs. Both are packed for the product, the bias gradients are sums of the
 * gates' gradients, and the product goes to a workspace from where it is added to the weights' gradients.
 */
function weightGradient(spec: GpuSpec, recurrence: Recurrence, cache: SmCache): RecurrentCall {
  const { hidden, batch, timeSteps, precision, operandBytes } = recurrence;
  const wide = CELLS[recurrence.cell].gates * hidden;
  const k = timeSteps * batch;
  const leftBytes = hidden * k * operandBytes;
  const rightBytes = wide * k * operandBytes;
  const product: Product = {
    name: 'recurrent weight gradient',
    batch: 1,
    m: hidden,
    n: wide,
    k,
    precision,
    operandBytes,
    resultBytes: operandBytes,
    leftPitchBytes: null,
    rightPitchBytes: null,
    readsResult: false,
    leftBytes,
    rightBytes,
    warmBytes: null,
  };
  const pass = (name: string, elements: number, reads: number, writes: number) =>
    streamKernel(spec, {
      name,
      elements,
      readBytesPerElement: reads * operandBytes,
      writeBytesPerElement: writes * operandBytes,
      aluPerElement: 1,
      sfuPerElement: 0,
      offChipReadShare: 1,
      offChipWriteShare: 1,
    });
  const others = [
    pass('pack steps', (wide + hidden) * k, 1, 1),
    pass('bias gradients', wide * k, 1, 0),
    pass('add to weight gradients', wide * hidden, 2, 1),
  ];
  const chosen = fastest(spec, gemmCandidates(spec, product), cache);
  const step = [...chosen.kernels, ...timed(spec, others, cache).kernels];
  const cycles = step.reduce((sum, { timing }) => sum + timing.cycles, 0);
  const gapsUs = spec.launch.nextUs * (step.length - 1);
  return { step, steps: 1, seconds: (spec.library.recurrence.startUs + gapsUs + cycles / spec.clockMHz) / 1e6 };
}
