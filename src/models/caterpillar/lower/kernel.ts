import { gemm, type GemmShape } from '../micro/gemm.ts';
import { deltaWithUpdate, gemv, type LocalMatrix, outerProductUpdate } from '../micro/gemv.ts';
import type { CoreTiming, Program } from '../micro/program.ts';

/** Programs that one core runs one after the other for its part of a contraction, each so many times. */
export interface Kernel {
  readonly name: string;
  readonly parts: readonly { readonly program: Program; readonly times: number }[];
}

/** A core's part: (rows x depth) x (depth x columns), so many times. */
export interface LocalSizes {
  readonly count: number;
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
}

/** Words of a PE that kernels may use beside what stays in memory A, and all of memory B. */
export interface WorkingWords {
  readonly a: number;
  readonly b: number;
}

/** Kernels made so far: parts of many grids are alike, and what a kernel takes is counted once for each. */
const known = new Map<string, Kernel>();
/** A sweep over sizes must not fill memory; what is dropped is made again. */
const KNOWN_AT_MOST = 20_000;

function kept(
  name: string,
  { size, fmacLatencyCycles, readoutCycles }: CoreTiming,
  sizes: readonly (number | boolean)[],
  make: () => Kernel['parts'],
): Kernel {
  const key = [name, size, fmacLatencyCycles, readoutCycles, ...sizes].join(' ');
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= KNOWN_AT_MOST) known.clear();
  const kernel = { name, parts: make() };
  known.set(key, kernel);
  return kernel;
}

/** One kernel after the other. */
export function inTurn(...kernels: readonly Kernel[]): Kernel {
  return { name: kernels.map(({ name }) => name).join(' + '), parts: kernels.flatMap(({ parts }) => parts) };
}

/** A core's weights in equal parts, `down` by `across`, that lie one after the other in memory A. */
interface Cut {
  readonly part: LocalMatrix;
  readonly down: number;
  readonly across: number;
}

/** Cut such that the vectors of a part fit memory B: errors twice, as they are and scaled, and inputs; either may take half of it. */
function cutToFit({ size }: CoreTiming, rows: number, columns: number, { b }: WorkingWords): Cut {
  const whole: LocalMatrix = { rows: Math.ceil(rows / size), columns: Math.ceil(columns / size) };
  const mostColumns = Math.max(Math.floor(b / 2), b - 2 * whole.rows);
  const across = Math.ceil(whole.columns / mostColumns);
  const partColumns = Math.ceil(whole.columns / across);
  const down = Math.ceil(whole.rows / Math.floor((b - partColumns) / 2));
  return { part: { rows: Math.ceil(whole.rows / down), columns: partColumns }, down, across };
}

/** Programs for parts along a sum, so many times: those for further parts add to what comes of the first. */
function summed(make: (goesOn: boolean) => Program, along: number, times: number): Kernel['parts'] {
  const first = { program: make(false), times };
  return along === 1 ? [first] : [first, { program: make(true), times: times * (along - 1) }];
}

/** One product with a vector after the other. `delta`: with weights [depth x rows]. */
export function gemvKernel(timing: CoreTiming, sizes: LocalSizes, delta: boolean, working: WorkingWords): Kernel {
  const { count, rows, depth, columns } = sizes;
  const { part, down, across } = cutToFit(timing, delta ? depth : rows, delta ? rows : depth, working);
  const [along, beside] = delta ? [down, across] : [across, down];
  const times = count * columns * beside;
  return kept('gemv', timing, [times, along, part.rows, part.columns, delta], () =>
    summed((goesOn) => gemv(timing, part, delta, goesOn), along, times),
  );
}

/** Weights [rows x columns] change by an outer product for each of so many samples; with the delta pass through them if `fused`. */
export function updateKernel(
  timing: CoreTiming,
  weights: { readonly rows: number; readonly columns: number; readonly samples: number },
  fused: boolean,
  working: WorkingWords,
): Kernel {
  const { part, down, across } = cutToFit(timing, weights.rows, weights.columns, working);
  const { samples } = weights;
  const sizes = [samples, down, across, part.rows, part.columns];
  if (fused)
    return kept('delta with update', timing, sizes, () =>
      summed((goesOn) => deltaWithUpdate(timing, part, goesOn), down, samples * across),
    );
  return kept('update', timing, sizes, () => [
    { program: outerProductUpdate(timing, part), times: samples * down * across },
  ]);
}

/** Where the operands of a product of matrices are. */
export interface GemmPlacement {
  readonly residentA: boolean;
  readonly residentC: boolean;
  readonly transposed: boolean;
}

/**
 * A product of matrices by rank-1 updates. The depth is cut so that two panels fit memory B; rows so that two blocks fit what memory A
 * has left, unless A lies there anyway.
 */
export function gemmKernel(
  timing: CoreTiming,
  sizes: LocalSizes,
  { residentA, residentC, transposed }: GemmPlacement,
  working: WorkingWords,
): Kernel {
  const { size } = timing;
  const tilesOf = (length: number): number => Math.ceil(length / size);
  const mostDepth = Math.max(1, Math.floor(working.b / 2 / size));
  const depthParts = Math.ceil(tilesOf(sizes.depth) / mostDepth);
  const slices = Math.ceil(tilesOf(sizes.depth) / depthParts);
  const rowTiles = tilesOf(sizes.rows);
  const mostTiles = residentA ? rowTiles : Math.max(1, Math.floor(working.a / (residentC ? 1 : 2) / slices));
  const blocks = Math.ceil(rowTiles / mostTiles);
  const shape: GemmShape = {
    blocks: residentC ? 1 : blocks,
    blockRows: Math.ceil(rowTiles / blocks) * size,
    depth: slices * size,
    columns: tilesOf(sizes.columns) * size,
    streamsA: !residentA,
    streamsC: !residentC,
    transposed,
  };
  // With C in memory A, a block of A is loaded as a whole before its products.
  const times = sizes.count * depthParts * (residentC ? blocks : 1);
  return kept('gemm', timing, [times, ...Object.values(shape)], () => [{ program: gemm(timing, shape), times }]);
}

/** A bound below the cycles of a product of matrices: a step of a tile's reduction takes one. */
export function gemmLeastCycles({ size }: CoreTiming, { count, rows, depth, columns }: LocalSizes): number {
  const tilesOf = (length: number): number => Math.ceil(length / size);
  return count * tilesOf(rows) * tilesOf(columns) * tilesOf(depth) * size;
}
