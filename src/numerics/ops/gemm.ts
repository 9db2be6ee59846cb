import type { Matrix } from './contraction.ts';

/** Rows and columns of the right operand worked on at a time: 256 KiB in single precision, which second-level caches hold. */
const BLOCK_K = 128;
const BLOCK_N = 512;

/** result = left right + beta result; see Contractions.gemm. Sums run over k in order, so results do not depend on the blocks of n. */
export function plainGemm(
  m: number,
  n: number,
  k: number,
  left: Matrix,
  right: Matrix,
  result: Matrix,
  beta: 0 | 1,
): void {
  if (beta === 0)
    for (let row = 0; row < m; row++) {
      const start = result.offset + row * result.leadingDimension;
      result.values.fill(0, start, start + n);
    }
  if (right.transposed) return byColumns(m, n, k, left, right, result);
  for (let k0 = 0; k0 < k; k0 += BLOCK_K)
    for (let n0 = 0; n0 < n; n0 += BLOCK_N)
      addBlock(m, k0, Math.min(k, k0 + BLOCK_K), n0, Math.min(n, n0 + BLOCK_N), left, right, result);
}

/** i-k-j: rows of the right operand, scaled, four at a time onto a row of the result. */
function addBlock(
  m: number,
  k0: number,
  k1: number,
  n0: number,
  n1: number,
  left: Matrix,
  right: Matrix,
  result: Matrix,
): void {
  const { values: a } = left;
  const { values: b, leadingDimension: ldb } = right;
  const { values: c } = result;
  const rowStep = left.transposed ? 1 : left.leadingDimension;
  const step = left.transposed ? left.leadingDimension : 1;
  for (let row = 0; row < m; row++) {
    const base = left.offset + row * rowStep;
    const to = result.offset + row * result.leadingDimension;
    let at = k0;
    for (; at + 3 < k1; at += 4) {
      const a0 = a[base + at * step]!;
      const a1 = a[base + (at + 1) * step]!;
      const a2 = a[base + (at + 2) * step]!;
      const a3 = a[base + (at + 3) * step]!;
      const b0 = right.offset + at * ldb;
      const [b1, b2, b3] = [b0 + ldb, b0 + 2 * ldb, b0 + 3 * ldb];
      for (let column = n0; column < n1; column++)
        c[to + column] =
          c[to + column]! + a0 * b[b0 + column]! + a1 * b[b1 + column]! + a2 * b[b2 + column]! + a3 * b[b3 + column]!;
    }
    for (; at < k1; at++) {
      const factor = a[base + at * step]!;
      const from = right.offset + at * ldb;
      for (let column = n0; column < n1; column++) c[to + column] = c[to + column]! + factor * b[from + column]!;
    }
  }
}

/** The right operand lies by columns: scalar products along k, four columns at a time. */
function byColumns(m: number, n: number, k: number, left: Matrix, right: Matrix, result: Matrix): void {
  const { values: a } = left;
  const { values: b, leadingDimension: ldb } = right;
  const { values: c } = result;
  const rowStep = left.transposed ? 1 : left.leadingDimension;
  const step = left.transposed ? left.leadingDimension : 1;
  for (let row = 0; row < m; row++) {
    const base = left.offset + row * rowStep;
    const to = result.offset + row * result.leadingDimension;
    let column = 0;
    for (; column + 3 < n; column += 4) {
      const b0 = right.offset + column * ldb;
      const [b1, b2, b3] = [b0 + ldb, b0 + 2 * ldb, b0 + 3 * ldb];
      let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
      for (let at = 0, from = base; at < k; at++, from += step) {
        const factor = a[from]!;
        sum0 += factor * b[b0 + at]!;
        sum1 += factor * b[b1 + at]!;
        sum2 += factor * b[b2 + at]!;
        sum3 += factor * b[b3 + at]!;
      }
      c[to + column] = c[to + column]! + sum0;
      c[to + column + 1] = c[to + column + 1]! + sum1;
      c[to + column + 2] = c[to + column + 2]! + sum2;
      c[to + column + 3] = c[to + column + 3]! + sum3;
    }
    for (; column < n; column++) {
      let sum = 0;
      const start = right.offset + column * ldb;
      for (let at = 0, from = base; at < k; at++, from += step) sum += a[from]! * b[start + at]!;
      c[to + column] = c[to + column]! + sum;
    }
  }
}
