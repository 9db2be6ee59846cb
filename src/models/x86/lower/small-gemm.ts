import { type CacheSizes, linesOf } from '../units/caches.ts';
import { cover } from './cover.ts';
import { type Tile, type TileMath, tileEnd, tileLoop } from './gemm-code.ts';
import type { Origin, Product } from './gemm.ts';
import type { Nest, Stream } from './nest.ts';
import { packingLoop } from './packing-code.ts';

/** Kernels that read their operands where they are; for products so small that packing would cost more than it gives. */
export interface SmallKernels {
  readonly math: TileMath;
  /** Rows of tiles, the largest first, with the widths of tiles of that height. */
  readonly heights: readonly { readonly rows: number; readonly columns: readonly number[] }[];
  /** Widths of tiles of the rows that remain, computed with masks. */
  readonly tailColumns: readonly number[];
  /** Rows that remain are computed as dot products if there are so few of them, and the reduction is so long. */
  readonly dotTail: { readonly mostRows: number; readonly leastDepth: number } | null;
}

/** Largest product m x n x k that goes without packing. */
const LARGEST = 1e6;
/** Of products whose left operand is transposed: results at most, and depth at least. */
const LARGEST_TRANSPOSED = { results: 1200, depth: 32 };

/** From the last products of a dot tile to its sums: four levels of shuffles and additions, a third of which overlaps (estimated). */
const DOT_DRAIN_CYCLES = 40;

/** Whether OpenBLAS (0.3.21, AVX-512) takes the kernels without packing. */
export function isSmall({ m, n, k, transA, transB }: Product): boolean {
  if (m * n * k > LARGEST) return false;
  if (!transA) return true;
  return !transB && m * n <= LARGEST_TRANSPOSED.results && k >= LARGEST_TRANSPOSED.depth;
}

/** Loop nests of a small product. What lies beyond the second level comes nearer once, in the first nest. */
export function smallProduct(product: Product, kernels: SmallKernels, caches: CacheSizes, origin: Origin): Nest[] {
  const [first, ...others] = unpackedTiles(product, kernels, caches);
  const { m, n, k, elementBytes, sumBytes } = product;
  const arrivals: Stream[] = [
    { lines: linesOf(m * k * elementBytes), level: origin.left, pattern: 'sequence' as const },
    { lines: linesOf(k * n * elementBytes), level: origin.right, pattern: 'sequence' as const },
    { lines: linesOf(m * n * sumBytes), level: origin.result, pattern: 'write' as const },
  ].filter(({ level }) => level > 1);
  return [{ ...first!, streams: [...first!.streams, ...arrivals] }, ...others];
}

function unpackedTiles(product: Product, kernels: SmallKernels, caches: CacheSizes): Nest[] {
  const { m, n, k, elementBytes, sumBytes } = product;
  const { math } = kernels;
  const lanes = math.bits / (8 * sumBytes);
  const nests: Nest[] = [];
  const inFirst = (m * k + k * n) * elementBytes + m * n * sumBytes <= caches.l1Bytes;
  const tiles = (tile: Tile, rows: number, times: number, steps: number): void => {
    const lines = (times * k * elementBytes * rows) / 64;
    nests.push(
      {
        role: 'multiply',
        code: tileLoop(math, tile),
        steps: times * steps,
        entries: times,
        drainCycles: tile.style === 'dot' ? DOT_DRAIN_CYCLES : 0,
        lanesDone: times * k * Math.max(rows, tile.style === 'dot' ? rows : tile.vectors * lanes) * tile.columns,
        streams: inFirst ? [] : [{ lines, level: 1, pattern: 'ahead' }],
      },
      {
        role: 'finish',
        code: tileEnd(math, tile, false),
        steps: times,
        entries: 0,
        lanesDone: 0,
        streams: inFirst
          ? []
          : [{ lines: times * tile.columns * Math.max(1, (rows * sumBytes) / 64), level: 1, pattern: 'ahead' }],
      },
    );
  };
  const dots = (rows: number): void => {
    for (const height of cover(rows, [4, 2, 1]))
      for (const width of cover(n, [4, 2, 1]))
        tiles(
          { style: 'dot', vectors: height.size, columns: width.size, unroll: 1 },
          height.size,
          height.count * width.count,
          Math.ceil(k / lanes),
        );
  };
  if (product.transA) {
    dots(m);
    return nests;
  }
  let rest = m;
  for (const { rows, columns } of kernels.heights) {
    const count = Math.floor(rest / rows);
    rest -= count * rows;
    if (count === 0) continue;
    for (const width of cover(n, columns))
      tiles(
        { style: 'broadcast', vectors: rows / lanes, columns: width.size, unroll: 1 },
        rows,
        count * width.count,
        k,
      );
  }
  if (rest === 0) return nests;
  const { dotTail } = kernels;
  if (dotTail !== null && rest <= dotTail.mostRows && k >= dotTail.leastDepth) {
    nests.push({
      role: 'pack',
      code: packingLoop(math.set, 'transpose', elementBytes),
      steps: rest * k,
      entries: 1,
      lanesDone: 0,
      streams: [],
    });
    dots(rest);
  } else
    for (const width of cover(n, kernels.tailColumns))
      tiles({ style: 'broadcast', vectors: 1, columns: width.size, unroll: 1 }, rest, width.count, k);
  return nests;
}
