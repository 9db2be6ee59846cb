// @ts-nocheck: AssemblyScript, type-checked by asc (scripts/kernels.mjs)

/**
 * The innermost loops: one tile of the result from a packed panel of each operand. The accumulators, the values that are loaded
 * and one temporary must fit the 15 SIMD registers that V8 hands out; a larger tile or an unrolled loop spills accumulators.
 */

/** Rows and columns of a full tile: also the widths of the packed panels. */
export const TILE_ROWS: i32 = 4;
export const TILE_COLUMNS: i32 = 8;

/** One row of a full tile: result = sum, or result += sum. */
function storeRow(result: usize, first: v128, second: v128, accumulate: bool): void {
  if (accumulate) {
    v128.store(result, f32x4.add(v128.load(result), first));
    v128.store(result, f32x4.add(v128.load(result, 16), second), 16);
  } else {
    v128.store(result, first);
    v128.store(result, second, 16);
  }
}

/** result[4, 8] (+)= left[k, 4]^T right[k, 8]; `resultStride` in bytes. */
export function fullTile(
  k: i32,
  left: usize,
  right: usize,
  result: usize,
  resultStride: usize,
  accumulate: bool,
): void {
  let row0first = f32x4.splat(0);
  let row0second = f32x4.splat(0);
  let row1first = f32x4.splat(0);
  let row1second = f32x4.splat(0);
  let row2first = f32x4.splat(0);
  let row2second = f32x4.splat(0);
  let row3first = f32x4.splat(0);
  let row3second = f32x4.splat(0);
  const end = right + <usize>k * 32;
  while (right < end) {
    const first = v128.load(right);
    const second = v128.load(right, 16);
    let value = v128.load_splat<f32>(left);
    row0first = f32x4.add(row0first, f32x4.mul(value, first));
    row0second = f32x4.add(row0second, f32x4.mul(value, second));
    value = v128.load_splat<f32>(left, 4);
    row1first = f32x4.add(row1first, f32x4.mul(value, first));
    row1second = f32x4.add(row1second, f32x4.mul(value, second));
    value = v128.load_splat<f32>(left, 8);
    row2first = f32x4.add(row2first, f32x4.mul(value, first));
    row2second = f32x4.add(row2second, f32x4.mul(value, second));
    value = v128.load_splat<f32>(left, 12);
    row3first = f32x4.add(row3first, f32x4.mul(value, first));
    row3second = f32x4.add(row3second, f32x4.mul(value, second));
    left += 16;
    right += 32;
  }
  storeRow(result, row0first, row0second, accumulate);
  storeRow(result + resultStride, row1first, row1second, accumulate);
  storeRow(result + 2 * resultStride, row2first, row2second, accumulate);
  storeRow(result + 3 * resultStride, row3first, row3second, accumulate);
}

/** The left half of a full tile whose right half lies beyond the result: result[4, 4] = left[k, 4]^T right[k, 0..3]. */
function halfTile(k: i32, left: usize, right: usize, result: usize): void {
  let row0 = f32x4.splat(0);
  let row1 = f32x4.splat(0);
  let row2 = f32x4.splat(0);
  let row3 = f32x4.splat(0);
  const end = right + <usize>k * 32;
  while (right < end) {
    const values = v128.load(right);
    row0 = f32x4.add(row0, f32x4.mul(v128.load_splat<f32>(left), values));
    row1 = f32x4.add(row1, f32x4.mul(v128.load_splat<f32>(left, 4), values));
    row2 = f32x4.add(row2, f32x4.mul(v128.load_splat<f32>(left, 8), values));
    row3 = f32x4.add(row3, f32x4.mul(v128.load_splat<f32>(left, 12), values));
    left += 16;
    right += 32;
  }
  v128.store(result, row0);
  v128.store(result, row1, 32);
  v128.store(result, row2, 64);
  v128.store(result, row3, 96);
}

/** A tile at the lower or right edge: computed whole into `spare` [4, 8], of which `rows` x `columns` enter the result. */
export function edgeTile(
  k: i32,
  left: usize,
  right: usize,
  result: usize,
  resultStride: usize,
  accumulate: bool,
  rows: i32,
  columns: i32,
  spare: usize,
): void {
  if (columns > 4) fullTile(k, left, right, spare, 32, false);
  else halfTile(k, left, right, spare);
  for (let row = 0; row < rows; row++) {
    const from = spare + <usize>row * 32;
    const to = result + <usize>row * resultStride;
    for (let column = 0; column < columns; column++) {
      const value = load<f32>(from + <usize>column * 4);
      const target = to + <usize>column * 4;
      store<f32>(target, accumulate ? load<f32>(target) + value : value);
    }
  }
}
