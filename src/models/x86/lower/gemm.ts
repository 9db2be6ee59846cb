import { type CacheSizes, levelOf, linesOf, PAGE_BYTES } from '../units/caches.ts';
import { cover, cutInto } from './cover.ts';
import { tileEnd, tileLoop } from './gemm-code.ts';
import type { Blocking } from './library.ts';
import type { Level, Nest, Stream } from './nest.ts';
import { fillLoop, packingLoop } from './packing-code.ts';

/** A product C (m x n) = op(A) op(B) by columns, as BLAS sees it: the rows of C and of A that is not transposed are contiguous. */
export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transA: boolean;
  readonly transB: boolean;
  readonly elementBytes: number;
  /** Bytes of an element of C. */
  readonly sumBytes: number;
}

/** Where the operands lie before a call. */
export interface Origin {
  readonly left: Level;
  readonly right: Level;
  readonly result: Level;
  /** Cores that read the same part of an operand at about the same time: only one of them waits for memory; absent: 1. */
  readonly leftReaders?: number;
  readonly rightReaders?: number;
}

/** Loop nests of a product on one core as Goto's algorithm orders them: columns, depth, rows; packed panels; tiles. */
export function packedProduct(product: Product, blocking: Blocking, caches: CacheSizes, origin: Origin): Nest[] {
  const { m, n, k, elementBytes, sumBytes } = product;
  const { set, bits } = blocking.math;
  const bytes = { left: m * k * elementBytes, right: k * n * elementBytes, result: m * n * sumBytes };
  const nests: Nest[] = [
    {
      role: 'pass',
      code: fillLoop(set, bits),
      steps: bytes.result,
      entries: n,
      lanesDone: 0,
      streams: [{ lines: n * Math.ceil(linesOf(m * sumBytes)), level: origin.result, pattern: 'write' }],
    },
  ];
  const rowBlocks = cutInto(m, blocking.p, blocking.rowUnit);
  for (const columns of cutInto(n, blocking.r, blocking.columns[0]!))
    for (const depth of cutInto(k, blocking.q, blocking.rowUnit)) {
      const passes = columns.count * depth.count;
      const panel = { product, blocking, caches, depth: depth.size };
      nests.push(packing(panel, 'right', columns.size, passes, origin));
      const resultLevel = levelOf(caches, bytes.result + ((bytes.left + bytes.right) * depth.size) / k);
      const packedRight = columns.size * depth.size * elementBytes;
      rowBlocks.forEach((rows, index) => {
        const times = passes * rows.count;
        nests.push(packing(panel, 'left', rows.size, times, origin));
        const packedLeft = rows.size * depth.size * elementBytes;
        // The first block of rows meets each panel of the right operand just packed; the others come back to all of them.
        const isFirst = index === 0 && rows.count === 1;
        const returns = levelOf(caches, packedLeft + packedRight + rows.size * columns.size * sumBytes);
        for (const width of cover(columns.size, blocking.columns))
          for (const height of cover(rows.size, blocking.rows))
            nests.push(
              ...tiles(panel, {
                rows: height.size,
                columns: width.size,
                panels: times * width.count,
                tilesPerPanel: height.count,
                left: levelOf(caches, packedLeft + width.size * depth.size * elementBytes),
                right: isFirst ? 1 : returns,
                result: resultLevel,
              }),
            );
      });
    }
  return nests;
}

interface Panel {
  readonly product: Product;
  readonly blocking: Blocking;
  readonly caches: CacheSizes;
  readonly depth: number;
}

/** Packs `length` rows of A or columns of B, `depth` deep, so many times. */
function packing(
  { product, blocking, caches, depth }: Panel,
  side: 'left' | 'right',
  length: number,
  times: number,
  origin: Origin,
): Nest {
  const { m, n, k, transA, transB, elementBytes } = product;
  const { math, packs } = blocking;
  // Along the contiguous dimension a packed row is a piece of a column of A, or of a row of transposed B: a line or two, then far away.
  const isStrided = side === 'left' ? !transA : transB;
  const style =
    side === 'left' ? (transA ? packs.leftTransposed : packs.left) : transB ? packs.rightTransposed : packs.right;
  const leading = (side === 'left' ? m : n) * elementBytes;
  const strip = side === 'left' ? blocking.rows[0]! : blocking.columns[0]!;
  const pages = isStrided ? depth * Math.min(1, leading / PAGE_BYTES) : 0;
  const pageMisses = pages > caches.pages ? times * Math.ceil(length / strip) * pages : 0;
  const lines = times * linesOf(depth * length * elementBytes);
  const from = side === 'left' ? origin.left : origin.right;
  const readers = (side === 'left' ? origin.leftReaders : origin.rightReaders) ?? 1;
  const pattern = isStrided ? 'strided' : 'sequence';
  return {
    role: 'pack',
    code: packingLoop(math.set, style, elementBytes),
    steps: times * depth * length,
    entries: times * Math.ceil(length / (side === 'left' ? strip : 4)),
    lanesDone: 0,
    streams: [
      { lines: lines / readers, level: from, pattern },
      { lines: lines - lines / readers, level: from === 3 ? 2 : from, pattern },
      { lines, level: 1, pattern: 'write' },
    ],
    pageMisses,
    pageWalks: leading * k > caches.secondPages * PAGE_BYTES ? pageMisses : 0,
  };
}

interface TileRun {
  readonly rows: number;
  readonly columns: number;
  /** Panels of B that are gone through, and tiles computed with each. */
  readonly panels: number;
  readonly tilesPerPanel: number;
  readonly left: Level;
  readonly right: Level;
  readonly result: Level;
}

function tiles({ product, blocking, caches, depth }: Panel, run: TileRun): Nest[] {
  const { elementBytes, sumBytes } = product;
  const { rows, columns, panels, tilesPerPanel } = run;
  const tile = blocking.tileOf(rows, columns);
  const times = panels * tilesPerPanel;
  const leftBytes = rows * depth * elementBytes;
  const rightBytes = columns * depth * elementBytes;
  const streams: Stream[] = [
    { lines: times * linesOf(leftBytes), level: run.left, pattern: 'ahead' },
    { lines: panels * linesOf(rightBytes), level: run.right, pattern: 'panel' },
  ];
  // One tile after the other reads the panel: from the first level if it stays there beside what else a tile touches.
  const stays = leftBytes + rightBytes + columns * 64 <= caches.l1Bytes;
  if (!stays) streams.push({ lines: (times - panels) * linesOf(rightBytes), level: 1, pattern: 'panel' });
  return [
    {
      role: 'multiply',
      code: tileLoop(blocking.math, tile),
      steps: times * Math.ceil(depth / blocking.depthStep),
      entries: times,
      lanesDone: times * depth * rows * columns,
      streams,
    },
    {
      role: 'finish',
      code: tileEnd(blocking.math, tile, true),
      steps: times,
      entries: 0,
      lanesDone: 0,
      streams: [
        { lines: times * columns * Math.max(1, linesOf(rows * sumBytes)), level: run.result, pattern: 'ahead' },
      ],
    },
  ];
}
