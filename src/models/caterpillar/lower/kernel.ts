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
  times: number,
  sizes: readonly (number | boolean)[],
  make: () => Program,
): Kernel {
  const key = [name, size, fmacLatencyCycles, readoutCycles, times, ...sizes].join(' ');
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= KNOWN_AT_MOST) known.clear();
  const kernel = { name, parts: [{ program: make(), times }] };
  known.set(key, kernel);
  return kernel;
}

/** One kernel after the other. */
export function inTurn(...kernels: readonly Kernel[]): Kernel {
  return { name: kernels.map(({ name }) => name).join(' + '), parts: kernels.flatMap(({ parts }) => parts) };
}

function matrixOf(size: number, rows: number, columns: number): LocalMatrix {
  return { rows: Math.ceil(rows / size), columns: Math.ceil(columns / size) };
}

/** One product with a vector after the other; null if the vectors of one do not fit memory B. `delta`: with weights [depth x rows]. */
export function gemvKernel(
  timing: CoreTiming,
  sizes: LocalSizes,
  delta: boolean,
  working: WorkingWords,
): Kernel | null {
  const { count, rows, depth, columns } = sizes;
  const matrix = delta ? matrixOf(timing.size, depth, rows) : matrixOf(timing.size, rows, depth);
  if (!vectorsFit(matrix, working)) return null;
  return kept('gemv', timing, count * columns, [matrix.rows, matrix.columns, delta], () => gemv(timing, matrix, delta));
}

/** Weights [rows x columns] change by an outer product for each of so many samples; with the delta pass through them if `fused`. */
export function updateKernel(
  timing: CoreTiming,
  weights: { readonly rows: number; readonly columns: number; readonly samples: number },
  fused: boolean,
  working: WorkingWords,
): Kernel | null {
  const matrix = matrixOf(timing.size, weights.rows, weights.columns);
  if (!vectorsFit(matrix, working)) return null;
  const name = fused ? 'delta with update' : 'update';
  const program = fused ? deltaWithUpdate : outerProductUpdate;
  return kept(name, timing, weights.samples, [matrix.rows, matrix.columns], () => program(timing, matrix));
}

/** Errors twice, as they are and scaled, and inputs. */
function vectorsFit({ rows, columns }: LocalMatrix, { b }: WorkingWords): boolean {
  return 2 * rows + columns <= b;
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
  return kept('gemm', timing, times, Object.values(shape), () => gemm(timing, shape));
}

/** A bound below the cycles of a product of matrices: a step of a tile's reduction takes one. */
export function gemmLeastCycles({ size }: CoreTiming, { count, rows, depth, columns }: LocalSizes): number {
  const tilesOf = (length: number): number => Math.ceil(length / size);
  return count * tilesOf(rows) * tilesOf(columns) * tilesOf(depth) * size;
}
