import type { CoreTiming } from '../micro/program.ts';
import type { Exchange } from '../program.ts';
import { runKernel } from '../units/kernel.ts';
import type { RingSpec } from '../units/ring.ts';
import type { Contraction } from './contraction.ts';
import { exchangesOf, layerSizes } from './exchanges.ts';
import type { Grid } from './grid.ts';
import { gemmKernel, gemvKernel, type Kernel, type LocalSizes, updateKernel, type WorkingWords } from './kernel.ts';

/** A contraction with what is known of its surroundings. */
export interface Task {
  readonly contraction: Contraction;
  /** The weights, or their gradient, lie in the PEs. */
  readonly resident: boolean;
  /** A delta that changes the weights it reads in the same pass. */
  readonly fused: boolean;
}

export interface Candidate {
  readonly kernel: Kernel;
  readonly exchanges: readonly Exchange[];
  /** For which it keeps cores busy: words, or the ring by the closed formula, whichever takes longer. */
  readonly occupiesCycles: number;
  /** Until its results are everywhere. */
  readonly deliversCycles: number;
}

/** Sizes of a core's part of a contraction; groups of a grouped convolution are dealt out like columns. */
function localSizes({ path, count, rows, depth, columns }: Contraction, grid: Grid): LocalSizes {
  const part = (length: number, parts: number): number => Math.ceil(length / parts);
  const groups = Math.min(count, grid.columns);
  const across = part(grid.columns, groups);
  const local = { count: part(count, groups) };
  if (path === 'forward')
    return {
      ...local,
      rows: part(rows, grid.outputs),
      depth: part(depth, grid.inputs),
      columns: part(columns, across),
    };
  if (path === 'delta')
    return {
      ...local,
      rows: part(rows, grid.inputs),
      depth: part(depth, grid.outputs),
      columns: part(columns, across),
    };
  return { ...local, rows: part(rows, grid.outputs), depth: part(depth, across), columns: part(columns, grid.inputs) };
}

/** Ways for a core to do its part. */
function kernelsOf(timing: CoreTiming, task: Task, grid: Grid, sizes: LocalSizes, working: WorkingWords): Kernel[] {
  const { contraction, fused } = task;
  // Cores that share weights have a part each, and take in the others as they come round.
  const resident = task.resident && grid.columns === 1;
  const { count, rows, depth, columns } = sizes;
  const isDelta = contraction.path === 'delta';
  const residentOf = (kernel: Kernel | null): Kernel[] => (resident && kernel !== null ? [kernel] : []);
  if (contraction.path === 'weight-gradient') {
    const whole = gemmKernel(timing, sizes, { residentA: false, residentC: resident, transposed: false }, working);
    const samples = { rows, columns, times: count * depth };
    return [...residentOf(updateKernel(timing, samples, false, working)), whole];
  }
  if (fused)
    return residentOf(updateKernel(timing, { rows: depth, columns: rows, times: count * columns }, true, working));
  const placement = { residentA: resident, residentC: false, transposed: resident && isDelta };
  return [...residentOf(gemvKernel(timing, sizes, isDelta, working)), gemmKernel(timing, sizes, placement, working)];
}

/** Cycles of the last piece of an exchange: from core to core, a beat at a time. */
export function tailCycles({ hopCycles }: RingSpec, exchanges: readonly Exchange[]): number {
  return exchanges.reduce((sum, { cores }) => sum + (cores - 1) * (hopCycles + 1), 0);
}

/** Closed formula of the bucket algorithm, with half of the vector going round in either direction. */
function bucketCycles({ hopCycles, wordsPerCycle }: RingSpec, { cores, words }: Exchange): number {
  const directions = cores > 2 ? 2 : 1;
  return (cores - 1) * (hopCycles + words / wordsPerCycle / cores / directions);
}

/** What a choice depends on beside the task: the same in all steps of a training run. */
export interface Surroundings {
  readonly timing: CoreTiming;
  readonly ring: RingSpec;
  readonly working: WorkingWords;
}

/** Choices made so far, by all that they depend on: steps of a training run and layers of a network are alike. */
const known = new Map<string, Candidate | null>();
/** A sweep over sizes must not fill memory; what is dropped is computed again. */
const KNOWN_AT_MOST = 20_000;

/** The fastest way to do a task on a grid of cores; null if there is none. */
export function bestOn(surroundings: Surroundings, task: Task, grid: Grid): Candidate | null {
  const { timing, ring, working } = surroundings;
  const { path, count, rows, depth, columns } = task.contraction;
  const key = [
    ...[timing.size, timing.fmacLatencyCycles, timing.readoutCycles, ring.hopCycles, working.a, working.b],
    ...[path, count, rows, depth, columns, task.resident, task.fused, grid.outputs, grid.inputs, grid.columns],
  ].join(' ');
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= KNOWN_AT_MOST) known.clear();
  const found = choose(surroundings, task, grid);
  known.set(key, found);
  return found;
}

function choose({ timing, ring, working }: Surroundings, task: Task, grid: Grid): Candidate | null {
  const { contraction } = task;
  const sizes = localSizes(contraction, grid);
  let best: Candidate | null = null;
  for (const kernel of kernelsOf(timing, task, grid, sizes, working)) {
    // Vectors of a sample stay in memory B from pass to pass, blocks of a batch do not.
    const bySample = kernel.name !== 'gemm';
    const exchanges = exchangesOf(contraction, layerSizes(contraction), grid, { inputs: bySample, errors: false });
    const { issueCycles, cycles } = runKernel(kernel, timing.size, false);
    const ringCycles = exchanges.reduce((sum, exchange) => sum + bucketCycles(ring, exchange), 0);
    const occupiesCycles = Math.max(issueCycles, ringCycles);
    const deliversCycles = occupiesCycles + cycles - issueCycles + tailCycles(ring, exchanges);
    if (best === null || deliversCycles < best.deliversCycles)
      best = { kernel, exchanges, occupiesCycles, deliversCycles };
  }
  return best;
}
