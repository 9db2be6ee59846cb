// @ts-nocheck: AssemblyScript, type-checked by asc (scripts/kernels.mjs)

import { packPixels, packTaps } from './gather';
import { packAcross, packAlong } from './pack';
import { edgeTile, fullTile, TILE_COLUMNS, TILE_ROWS } from './tile';

/**
 * Matrix products by blocks (Goto and van de Geijn 2008): of the right operand `BLOCK_DEPTH` x `BLOCK_COLUMNS` are packed at a
 * time, of the left `BLOCK_ROWS` x `BLOCK_DEPTH` stay in the cache. Every element of the result is summed along k within a block
 * of BLOCK_DEPTH, then block by block: the order depends on nothing but k. Strides are in bytes.
 */

const BLOCK_ROWS: i32 = 256;
export const BLOCK_DEPTH: i32 = 256;
const BLOCK_COLUMNS: i32 = 512;

/** How the right operand [k, n] is given: numbers shared with kernels/module.ts. */
const ACROSS: i32 = 0;
const ALONG: i32 = 1;
const PIXELS: i32 = 2;

/** Bytes of scratch that `multiply` needs: a packed block of the right operand and one spare tile. */
export function scratchBytes(): i32 {
  return BLOCK_DEPTH * BLOCK_COLUMNS * 4 + TILE_ROWS * TILE_COLUMNS * 4;
}

/** Packs a whole left operand [m, k], block of depth by block of depth; the target holds k * m rounded up to 4. */
export function packLeft(source: usize, stride: usize, along: bool, m: i32, k: i32, target: usize): void {
  const paddedRows = (m + TILE_ROWS - 1) & ~(TILE_ROWS - 1);
  for (let start = 0; start < k; start += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - start);
    if (along) packAlong(source + <usize>start * 4, stride, m, depth, TILE_ROWS, target);
    else packAcross(source + <usize>start * stride, stride, m, depth, TILE_ROWS, target);
    target += <usize>depth * <usize>paddedRows * 4;
  }
}

/** Packs rows `start` .. `start + depth` of columns `column` .. `column + count` of the right operand. */
function packRight(
  kind: i32,
  source: usize,
  strideOrTaps: usize,
  pixels: usize,
  start: i32,
  depth: i32,
  column: i32,
  count: i32,
  target: usize,
): void {
  const rowBytes = <usize>start * 4;
  const columnBytes = <usize>column * 4;
  if (kind === ACROSS) {
    packAcross(source + <usize>start * strideOrTaps + columnBytes, strideOrTaps, count, depth, TILE_COLUMNS, target);
  } else if (kind === ALONG) {
    packAlong(source + <usize>column * strideOrTaps + rowBytes, strideOrTaps, count, depth, TILE_COLUMNS, target);
  } else if (kind === PIXELS) {
    packPixels(source, strideOrTaps + rowBytes, depth, pixels + columnBytes, count, target);
  } else {
    packTaps(source, strideOrTaps + columnBytes, count, pixels + rowBytes, depth, target);
  }
}

/** result[m, n] (+)= left right of one block, both packed. */
function multiplyBlock(
  m: i32,
  n: i32,
  depth: i32,
  left: usize,
  right: usize,
  result: usize,
  resultStride: usize,
  accumulate: bool,
  spare: usize,
): void {
  const depthBytes = <usize>depth * 4;
  for (let rowStart = 0; rowStart < m; rowStart += BLOCK_ROWS) {
    const rowEnd = min(m, rowStart + BLOCK_ROWS);
    for (let column = 0; column < n; column += TILE_COLUMNS) {
      const panel = right + <usize>column * depthBytes;
      for (let row = rowStart; row < rowEnd; row += TILE_ROWS) {
        const from = left + <usize>row * depthBytes;
        const to = result + <usize>row * resultStride + <usize>column * 4;
        if (row + TILE_ROWS <= m && column + TILE_COLUMNS <= n) {
          fullTile(depth, from, panel, to, resultStride, accumulate);
        } else {
          const rows = min(TILE_ROWS, m - row);
          const columns = min(TILE_COLUMNS, n - column);
          edgeTile(depth, from, panel, to, resultStride, accumulate, rows, columns, spare);
        }
      }
    }
  }
}

/** result[m, n] (+)= left[m, k], packed by packLeft, times right[k, n], given as `kind` says. */
export function multiply(
  m: i32,
  n: i32,
  k: i32,
  left: usize,
  kind: i32,
  source: usize,
  strideOrTaps: usize,
  pixels: usize,
  result: usize,
  resultStride: usize,
  accumulate: bool,
  scratch: usize,
): void {
  const paddedRows = (m + TILE_ROWS - 1) & ~(TILE_ROWS - 1);
  const spare = scratch + BLOCK_DEPTH * BLOCK_COLUMNS * 4;
  for (let start = 0; start < k; start += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - start);
    for (let column = 0; column < n; column += BLOCK_COLUMNS) {
      const count = min(BLOCK_COLUMNS, n - column);
      packRight(kind, source, strideOrTaps, pixels, start, depth, column, count, scratch);
      const to = result + <usize>column * 4;
      multiplyBlock(m, count, depth, left, scratch, to, resultStride, accumulate || start > 0, spare);
    }
    left += <usize>depth * <usize>paddedRows * 4;
  }
}
