import { gemm, gemmIssueCycles, type GemmShape, LEAST_TILES_OF_PART } from '../micro/gemm.ts';
import { deltaWithUpdate, gemv, type LocalMatrix, outerProductUpdate } from '../micro/gemv.ts';
import type { CoreTiming, Program } from '../micro/program.ts';
import { isNear } from './tie.ts';

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

/** A product of matrices in equal parts that follow each other. */
interface GemmParts {
  readonly shape: GemmShape;
  readonly times: number;
}

/** How a product of matrices may be cut: the most tiles of depth, blocks of rows beyond the fewest, whether panels of B stay for all blocks. */
interface GemmCut {
  readonly mostDepth: number;
  readonly furtherBlocks: number;
  readonly keepsB: boolean;
}

/** Depths that are tried below the most, in tiles, and further blocks of rows: steps so small that the best is hardly missed. */
const DEPTHS = [128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1];
const FURTHER_BLOCKS = [0, 1, 2, 3];

/**
 * A product of matrices by rank-1 updates. The depth is cut so that two panels fit memory B, or all panels of two parts; rows so that two
 * blocks fit what memory A has left, unless A lies there anyway. The fewest parts may take longer than some more: deep blocks have few
 * rows, for each of which panels of B that find no room are loaded anew, and rows may not divide into so many blocks.
 */
export function gemmKernel(
  timing: CoreTiming,
  sizes: LocalSizes,
  placement: GemmPlacement,
  working: WorkingWords,
): Kernel {
  const depthTiles = Math.ceil(sizes.depth / timing.size);
  const mostDepth = Math.min(depthTiles, Math.max(1, Math.floor(working.b / 2 / timing.size)));
  const leastCycles = gemmLeastCycles(timing, sizes);
  let best: (GemmParts & { readonly cycles: number }) | null = null;
  for (const depth of [mostDepth, ...DEPTHS.filter((each) => each < mostDepth)])
    for (const furtherBlocks of FURTHER_BLOCKS)
      for (const keepsB of [true, false]) {
        if (best !== null && isNear(best.cycles, leastCycles)) break;
        const parts = gemmParts(timing, sizes, placement, working, { mostDepth: depth, furtherBlocks, keepsB });
        if (parts === null) continue;
        const cycles = parts.times * gemmIssueCycles(timing, parts.shape);
        if (best === null || !isNear(best.cycles, cycles)) best = { ...parts, cycles };
      }
  const { shape, times } = best!;
  return kept('gemm', timing, [times, ...Object.values(shape)], () => [{ program: gemm(timing, shape), times }]);
}

/** Null if panels of B cannot stay, or there is but one block that they could stay for. */
function gemmParts(
  { size }: CoreTiming,
  sizes: LocalSizes,
  { residentA, residentC, transposed }: GemmPlacement,
  working: WorkingWords,
  { mostDepth, furtherBlocks, keepsB }: GemmCut,
): GemmParts | null {
  const tilesOf = (length: number): number => Math.ceil(length / size);
  const [rowTiles, depthTiles] = [tilesOf(sizes.rows), tilesOf(sizes.depth)];
  const depthParts = Math.ceil(depthTiles / mostDepth);
  const slices = Math.ceil(depthTiles / depthParts);
  const mostTiles = residentA ? rowTiles : Math.max(1, Math.floor(working.a / (residentC ? 1 : 2) / slices));
  const rowParts = Math.min(rowTiles, Math.ceil(rowTiles / mostTiles) + furtherBlocks);
  // With C in memory A, a block of A is loaded as a whole before its products.
  const blocks = residentC ? 1 : rowParts;
  const blockTiles = Math.ceil(rowTiles / rowParts);
  const panels = tilesOf(sizes.columns);
  const goesOn = !residentC && blocks * blockTiles * panels >= LEAST_TILES_OF_PART;
  const parts = goesOn ? depthParts : 1;
  if (keepsB && (blocks === 1 || Math.min(2, parts) * panels * slices * size > working.b)) return null;
  const shape: GemmShape = {
    parts,
    blocks,
    blockRows: blockTiles * size,
    depth: slices * size,
    columns: panels * size,
    streamsA: !residentA,
    keepsB,
    streamsC: !residentC,
    transposed,
  };
  return { shape, times: (sizes.count * depthParts * rowParts) / (parts * blocks) };
}

/** A bound below the cycles of a product of matrices: a step of a tile's reduction takes one. */
export function gemmLeastCycles({ size }: CoreTiming, { count, rows, depth, columns }: LocalSizes): number {
  const tilesOf = (length: number): number => Math.ceil(length / size);
  return count * tilesOf(rows) * tilesOf(columns) * tilesOf(depth) * size;
}
