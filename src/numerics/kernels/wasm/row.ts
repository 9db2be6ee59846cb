// @ts-nocheck: AssemblyScript, type-checked by asc (scripts/kernels.mjs)

import { BLOCK_DEPTH } from './product';

/**
 * Products that read or write each element of a matrix once: packing would cost more than it saves. Sums follow each other as in
 * product.ts, block of depth by block, so that results are the same bits. Strides and steps are in bytes.
 */

/** result[n] (+)= left[k] right[k, n]; the matrix is stored as [n, k] where it lies along k. */
export function multiplyRow(
  n: i32,
  k: i32,
  left: usize,
  leftStep: usize,
  along: bool,
  right: usize,
  rightStride: usize,
  result: usize,
  accumulate: bool,
): void {
  for (let start = 0; start < k; start += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - start);
    const from = left + <usize>start * leftStep;
    const adds = accumulate || start > 0;
    if (along) rowAlong(n, depth, from, leftStep, right + <usize>start * 4, rightStride, result, adds);
    else rowAcross(n, depth, from, leftStep, right + <usize>start * rightStride, rightStride, result, adds);
  }
}

/** Adds to what the result holds, or replaces it. */
function storeFour(result: usize, sum: v128, accumulate: bool): void {
  v128.store(result, accumulate ? f32x4.add(v128.load(result), sum) : sum);
}

function storeOne(result: usize, sum: f32, accumulate: bool): void {
  store<f32>(result, accumulate ? load<f32>(result) + sum : sum);
}

/** The matrix stored as [k, n]; k is a block of depth at most. */
function rowAcross(
  n: i32,
  k: i32,
  left: usize,
  leftStep: usize,
  right: usize,
  rightStride: usize,
  result: usize,
  accumulate: bool,
): void {
  const end = left + <usize>k * leftStep;
  let column = 0;
  for (; column + 32 <= n; column += 32) {
    let sum0 = f32x4.splat(0);
    let sum1 = f32x4.splat(0);
    let sum2 = f32x4.splat(0);
    let sum3 = f32x4.splat(0);
    let sum4 = f32x4.splat(0);
    let sum5 = f32x4.splat(0);
    let sum6 = f32x4.splat(0);
    let sum7 = f32x4.splat(0);
    let from = right;
    for (let at = left; at < end; at += leftStep) {
      const value = v128.load_splat<f32>(at);
      sum0 = f32x4.add(sum0, f32x4.mul(value, v128.load(from)));
      sum1 = f32x4.add(sum1, f32x4.mul(value, v128.load(from, 16)));
      sum2 = f32x4.add(sum2, f32x4.mul(value, v128.load(from, 32)));
      sum3 = f32x4.add(sum3, f32x4.mul(value, v128.load(from, 48)));
      sum4 = f32x4.add(sum4, f32x4.mul(value, v128.load(from, 64)));
      sum5 = f32x4.add(sum5, f32x4.mul(value, v128.load(from, 80)));
      sum6 = f32x4.add(sum6, f32x4.mul(value, v128.load(from, 96)));
      sum7 = f32x4.add(sum7, f32x4.mul(value, v128.load(from, 112)));
      from += rightStride;
    }
    storeFour(result, sum0, accumulate);
    storeFour(result + 16, sum1, accumulate);
    storeFour(result + 32, sum2, accumulate);
    storeFour(result + 48, sum3, accumulate);
    storeFour(result + 64, sum4, accumulate);
    storeFour(result + 80, sum5, accumulate);
    storeFour(result + 96, sum6, accumulate);
    storeFour(result + 112, sum7, accumulate);
    right += 128;
    result += 128;
  }
  for (; column + 4 <= n; column += 4) {
    let sum = f32x4.splat(0);
    let from = right;
    for (let at = left; at < end; at += leftStep) {
      sum = f32x4.add(sum, f32x4.mul(v128.load_splat<f32>(at), v128.load(from)));
      from += rightStride;
    }
    storeFour(result, sum, accumulate);
    right += 16;
    result += 16;
  }
  for (; column < n; column++) {
    let sum: f32 = 0;
    let from = right;
    for (let at = left; at < end; at += leftStep) {
      sum += load<f32>(at) * load<f32>(from);
      from += rightStride;
    }
    storeOne(result, sum, accumulate);
    right += 4;
    result += 4;
  }
}

/** Sums of four rows of a matrix in the lanes: adds elements `offset` .. `offset` + 15 bytes of each, times four values, one by one. */
function addFour(
  sum: v128,
  row0: usize,
  row1: usize,
  row2: usize,
  row3: usize,
  value0: v128,
  value1: v128,
  value2: v128,
  value3: v128,
): v128 {
  const low01 = v128.shuffle<f32>(v128.load(row0), v128.load(row1), 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(v128.load(row0), v128.load(row1), 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(v128.load(row2), v128.load(row3), 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(v128.load(row2), v128.load(row3), 2, 6, 3, 7);
  sum = f32x4.add(sum, f32x4.mul(value0, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5)));
  sum = f32x4.add(sum, f32x4.mul(value1, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7)));
  sum = f32x4.add(sum, f32x4.mul(value2, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5)));
  return f32x4.add(sum, f32x4.mul(value3, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7)));
}

/** One element of each of four rows as the lanes of a vector. */
function gatherFour(row0: usize, row1: usize, row2: usize, row3: usize): v128 {
  let lanes = v128.load32_zero(row0);
  lanes = v128.load_lane<f32>(row1, lanes, 1);
  lanes = v128.load_lane<f32>(row2, lanes, 2);
  return v128.load_lane<f32>(row3, lanes, 3);
}

/** Replaces or adds to the first `count` of four results. */
function storeSome(result: usize, sum: v128, count: i32, accumulate: bool): void {
  if (count >= 4) return storeFour(result, sum, accumulate);
  if (count > 0) storeOne(result, f32x4.extract_lane(sum, 0), accumulate);
  if (count > 1) storeOne(result + 4, f32x4.extract_lane(sum, 1), accumulate);
  if (count > 2) storeOne(result + 8, f32x4.extract_lane(sum, 2), accumulate);
}

/** The matrix stored as [n, k]: eight stored rows side by side; those beyond the last one repeat it, and their sums are thrown away. */
function rowAlong(
  n: i32,
  k: i32,
  left: usize,
  leftStep: usize,
  right: usize,
  rightStride: usize,
  result: usize,
  accumulate: bool,
): void {
  const whole = <usize>(k & ~3) * 4;
  const end = <usize>k * 4;
  for (let column = 0; column < n; column += 8) {
    const last = n - 1 - column;
    const row1 = right + <usize>min(1, last) * rightStride;
    const row2 = right + <usize>min(2, last) * rightStride;
    const row3 = right + <usize>min(3, last) * rightStride;
    const row4 = right + <usize>min(4, last) * rightStride;
    const row5 = right + <usize>min(5, last) * rightStride;
    const row6 = right + <usize>min(6, last) * rightStride;
    const row7 = right + <usize>min(7, last) * rightStride;
    let low = f32x4.splat(0);
    let high = f32x4.splat(0);
    let from = left;
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const value0 = v128.load_splat<f32>(from);
      const value1 = v128.load_splat<f32>(from + leftStep);
      const value2 = v128.load_splat<f32>(from + 2 * leftStep);
      const value3 = v128.load_splat<f32>(from + 3 * leftStep);
      low = addFour(low, right + at, row1 + at, row2 + at, row3 + at, value0, value1, value2, value3);
      high = addFour(high, row4 + at, row5 + at, row6 + at, row7 + at, value0, value1, value2, value3);
      from += 4 * leftStep;
    }
    for (; at < end; at += 4) {
      const value = v128.load_splat<f32>(from);
      low = f32x4.add(low, f32x4.mul(value, gatherFour(right + at, row1 + at, row2 + at, row3 + at)));
      high = f32x4.add(high, f32x4.mul(value, gatherFour(row4 + at, row5 + at, row6 + at, row7 + at)));
      from += leftStep;
    }
    storeSome(result, low, n - column, accumulate);
    storeSome(result + 16, high, n - column - 4, accumulate);
    right += 8 * rightStride;
    result += 32;
  }
}

/** result[m, n] (+)= left[m] right[n]: each product is the sum of one, which begins with 0. */
export function outerProduct(
  m: i32,
  n: i32,
  left: usize,
  leftStep: usize,
  right: usize,
  result: usize,
  resultStride: usize,
  accumulate: bool,
): void {
  const zero = f32x4.splat(0);
  const whole = <usize>(n & ~3) * 4;
  const end = <usize>n * 4;
  for (let row = 0; row < m; row++) {
    const value = load<f32>(left);
    const values = f32x4.splat(value);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      storeFour(result + at, f32x4.add(zero, f32x4.mul(values, v128.load(right + at))), accumulate);
    }
    for (; at < end; at += 4) storeOne(result + at, <f32>0 + value * load<f32>(right + at), accumulate);
    left += leftStep;
    result += resultStride;
  }
}
