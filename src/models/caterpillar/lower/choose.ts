import type { CoreTiming } from '../micro/program.ts';
import type { Exchange } from '../program.ts';
import { runKernel } from '../units/kernel.ts';
import type { RingSpec } from '../units/ring.ts';
import type { Contraction } from './contraction.ts';
import { exchangesOf, layerSizes } from './exchanges.ts';
import type { Grid } from './grid.ts';
import {
  gemmKernel,
  gemvKernel,
  inTurn,
  type Kernel,
  type LocalSizes,
  updateKernel,
  type WorkingWords,
} from './kernel.ts';
import { choose } from './tie.ts';

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
  /** That a PE reads from memory A and writes to it. */
  readonly memoryWords: number;
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
  const { path } = task.contraction;
  // Cores that share weights have a part each, and take in the others as they come round.
  const resident = task.resident && grid.columns === 1;
  const { count, rows, depth, columns } = sizes;
  if (task.fused) {
    const samples = count * columns;
    const both = resident ? updateKernel(timing, { rows: depth, columns: rows, samples }, true, working) : null;
    return both === null ? [] : [both];
  }
  const isGradient = path === 'weight-gradient';
  const placement = isGradient
    ? { residentA: false, residentC: resident, transposed: false }
    : { residentA: resident, residentC: false, transposed: resident && path === 'delta' };
  const together = (samples: number): Kernel =>
    gemmKernel(timing, { ...sizes, [isGradient ? 'depth' : 'columns']: samples }, placement, working);
  const oneByOne = (samples: number): Kernel | null =>
    isGradient
      ? updateKernel(timing, { rows, columns, samples: count * samples }, false, working)
      : gemvKernel(timing, { ...sizes, columns: samples }, path === 'delta', working);

  const samples = isGradient ? depth : columns;
  const whole = together(samples);
  const single = resident ? oneByOne(samples) : null;
  if (single === null) return [whole];
  // As many as fill the PEs together, and the rest one by one.
  const rest = samples % timing.size;
  if (rest === 0 || rest === samples) return [single, whole];
  return [single, whole, inTurn(together(samples - rest), oneByOne(rest)!)];
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

/** The way to do a task on a grid of cores; null if there is none. */
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
  const candidates = candidatesOf(surroundings, task, grid);
  const found =
    candidates.length === 0
      ? null
      : choose(
          candidates,
          ({ deliversCycles }) => deliversCycles,
          ({ memoryWords }) => memoryWords,
        );
  known.set(key, found);
  return found;
}

function candidatesOf({ timing, ring, working }: Surroundings, task: Task, grid: Grid): Candidate[] {
  const { contraction } = task;
  const layer = layerSizes(contraction);
  return kernelsOf(timing, task, grid, localSizes(contraction, grid), working).map((kernel) => {
    // Vectors of one sample stay in memory B from pass to pass, those of a batch do not.
    const exchanges = exchangesOf(contraction, layer, grid, { inputs: layer.columns === 1, errors: false });
    const { issueCycles, cycles, readsA, writesA } = runKernel(kernel, timing.size, false);
    const ringCycles = exchanges.reduce((sum, exchange) => sum + bucketCycles(ring, exchange), 0);
    const occupiesCycles = Math.max(issueCycles, ringCycles);
    const deliversCycles = occupiesCycles + cycles - issueCycles + tailCycles(ring, exchanges);
    return { kernel, exchanges, occupiesCycles, deliversCycles, memoryWords: readsA + writesA };
  });
}
