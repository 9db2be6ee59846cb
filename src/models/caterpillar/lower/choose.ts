import type { CoreTiming } from '../micro/program.ts';
import type { Exchange } from '../program.ts';
import { memoryWords } from '../units/core.ts';
import { runKernel } from '../units/kernel.ts';
import type { RingSpec } from '../units/ring.ts';
import type { Contraction } from './contraction.ts';
import { exchangesOf, layerSizes } from './exchanges.ts';
import type { Grid } from './grid.ts';
import {
  gemmKernel,
  gemmLeastCycles,
  gemvKernel,
  inTurn,
  type Kernel,
  type LocalSizes,
  updateKernel,
  type WorkingWords,
} from './kernel.ts';
import { choose, isNear } from './tie.ts';

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
  /** That a PE reads from its memories and writes to them. */
  readonly memoryWords: number;
}

/** Sizes of a core's part of a contraction; groups of a grouped convolution are dealt out like columns. */
function localSizes({ path, count, rows, depth, columns }: Contraction, grid: Grid): LocalSizes {
  const groups = Math.min(count, grid.columns);
  const across = Math.ceil(grid.columns / groups);
  return {
    count: Math.ceil(count / groups),
    rows: Math.ceil(rows / (path === 'delta' ? grid.inputs : grid.outputs)),
    depth: Math.ceil(depth / { forward: grid.inputs, delta: grid.outputs, 'weight-gradient': across }[path]),
    columns: Math.ceil(columns / (path === 'weight-gradient' ? grid.inputs : across)),
  };
}

/** A way for a core to do its part, made only if it can be the fastest. */
interface Way {
  readonly leastCycles: number;
  readonly make: () => Kernel;
}

function waysOf(timing: CoreTiming, task: Task, grid: Grid, sizes: LocalSizes, working: WorkingWords): Way[] {
  const { path } = task.contraction;
  // Cores that share weights have a part each, and take in the others as they come round.
  const resident = task.resident && grid.columns === 1;
  const { count, rows, depth, columns } = sizes;
  if (task.fused) {
    const weights = { rows: depth, columns: rows, samples: count * columns };
    return resident ? [{ leastCycles: 0, make: () => updateKernel(timing, weights, true, working) }] : [];
  }
  const isGradient = path === 'weight-gradient';
  const samples = isGradient ? depth : columns;
  const placement = isGradient
    ? { residentA: false, residentC: resident, transposed: false }
    : { residentA: resident, residentC: false, transposed: resident && path === 'delta' };
  const part = (of: number): LocalSizes => ({ ...sizes, [isGradient ? 'depth' : 'columns']: of });
  const together = (of: number): Way => ({
    leastCycles: gemmLeastCycles(timing, part(of)),
    make: () => gemmKernel(timing, part(of), placement, working),
  });
  const oneByOne = (of: number): Kernel =>
    isGradient
      ? updateKernel(timing, { rows, columns, samples: count * of }, false, working)
      : gemvKernel(timing, part(of), path === 'delta', working);

  const ways = resident ? [{ leastCycles: 0, make: () => oneByOne(samples) }] : [];
  ways.push(together(samples));
  const rest = samples % timing.size;
  if (!resident || rest === 0 || rest === samples) return ways;
  // As many as fill the PEs together, and the rest one by one.
  const whole = together(samples - rest);
  return [...ways, { leastCycles: whole.leastCycles, make: () => inTurn(whole.make(), oneByOne(rest)) }];
}

/** A bound below what a task takes on a grid: its multiply-adds, evenly over the cores that share it. */
export function taskLeastCycles({ size }: CoreTiming, { contraction, fused }: Task, grid: Grid): number {
  const { count, rows, depth, columns } = localSizes(contraction, grid);
  return ((fused ? 2 : 1) * count * rows * depth * columns) / size ** 2;
}

/** Cycles of the last piece of an exchange: from core to core, a beat at a time. */
export function tailCycles({ hopCycles }: RingSpec, exchanges: readonly Exchange[]): number {
  return exchanges.reduce((sum, { cores, stride }) => sum + (cores - 1) * stride * (hopCycles + 1), 0);
}

/** Closed formula of the bucket algorithm, with half of the vector going round in either direction. */
function bucketCycles({ hopCycles, wordsPerCycle }: RingSpec, { cores, stride, words }: Exchange): number {
  const directions = cores > 2 ? 2 : 1;
  return (cores - 1) * stride * (hopCycles + words / wordsPerCycle / cores / directions);
}

/** What a choice depends on beside the task: the same in all steps of a training run. */
export interface Surroundings {
  readonly timing: CoreTiming;
  readonly ring: RingSpec;
  /** Rows and columns of cores. */
  readonly rings: { readonly rows: number; readonly columns: number };
  readonly working: WorkingWords;
}

/** Choices made so far, by all that they depend on: steps of a training run and layers of a network are alike. */
const known = new Map<string, Candidate | null>();
/** A sweep over sizes must not fill memory; what is dropped is computed again. */
const KNOWN_AT_MOST = 20_000;

/** The way to do a task on a grid of cores; null if there is none. */
export function bestOn(surroundings: Surroundings, task: Task, grid: Grid): Candidate | null {
  const { timing, ring, rings, working } = surroundings;
  const { path, count, rows, depth, columns } = task.contraction;
  const place = `${timing.size} ${timing.fmacLatencyCycles} ${timing.readoutCycles} ${ring.hopCycles} ${rings.rows} ${rings.columns} ${working.a} ${working.b}`;
  const work = `${path} ${count} ${rows} ${depth} ${columns} ${task.resident} ${task.fused}`;
  const key = `${place} ${work} ${grid.outputs} ${grid.inputs} ${grid.columns}`;
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

function candidatesOf({ timing, ring, rings, working }: Surroundings, task: Task, grid: Grid): Candidate[] {
  const { contraction } = task;
  const layer = layerSizes(contraction);
  // Vectors of one sample stay in memory B from pass to pass, those of a batch do not.
  const exchanges = exchangesOf(contraction, layer, grid, rings, { inputs: layer.columns === 1, errors: false });
  const ringCycles = exchanges.reduce((sum, exchange) => sum + bucketCycles(ring, exchange), 0);
  const candidates: Candidate[] = [];
  let fewestCycles = Number.POSITIVE_INFINITY;
  for (const { leastCycles, make } of waysOf(timing, task, grid, localSizes(contraction, grid), working)) {
    if (!isNear(leastCycles, fewestCycles)) continue;
    const kernel = make();
    const counts = runKernel(kernel, timing.size, false);
    const { issueCycles, cycles } = counts;
    const occupiesCycles = Math.max(issueCycles, ringCycles);
    const deliversCycles = occupiesCycles + cycles - issueCycles + tailCycles(ring, exchanges);
    candidates.push({ kernel, exchanges, occupiesCycles, deliversCycles, memoryWords: memoryWords(counts) });
    fewestCycles = Math.min(fewestCycles, deliversCycles);
  }
  return candidates;
}
