/** Rows of 8-bit integers, one after the other, and the integer that stands for zero. */
export interface IntegerRows {
  readonly rows: Int8Array;
  readonly zeroPoint: number;
}

/**
 * Sums [m, n] of left row times right row, both `k` long, less their zero points: sum (a - za)(b - zb) = sum a b - za sum b - zb sum a +
 * k za zb, so that 8-bit integers are multiplied and 32-bit ones are added up (Jacob 2018, section 2.3).
 */
export function integerProduct(
  m: number,
  n: number,
  k: number,
  left: IntegerRows,
  right: IntegerRows,
  sums: Int32Array,
): void {
  const rightOffsets = zeroTerms(right.rows, n, k, left.zeroPoint);
  const leftOffsets = zeroTerms(left.rows, m, k, right.zeroPoint);
  const both = Math.imul(k, Math.imul(left.zeroPoint, right.zeroPoint));
  const [a, b] = [left.rows, right.rows];
  for (let row = 0; row < m; row++) {
    const base = both - leftOffsets[row]!;
    let column = 0;
    // Four sums at a time read each left integer once.
    for (; column + 3 < n; column += 4) {
      const [b0, b1, b2, b3] = [column * k, (column + 1) * k, (column + 2) * k, (column + 3) * k];
      let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
      for (let index = 0, from = row * k; index < k; index++, from++) {
        const factor = a[from]!;
        sum0 = (sum0 + Math.imul(factor, b[b0 + index]!)) | 0;
        sum1 = (sum1 + Math.imul(factor, b[b1 + index]!)) | 0;
        sum2 = (sum2 + Math.imul(factor, b[b2 + index]!)) | 0;
        sum3 = (sum3 + Math.imul(factor, b[b3 + index]!)) | 0;
      }
      const to = row * n + column;
      sums[to] = base - rightOffsets[column]! + sum0;
      sums[to + 1] = base - rightOffsets[column + 1]! + sum1;
      sums[to + 2] = base - rightOffsets[column + 2]! + sum2;
      sums[to + 3] = base - rightOffsets[column + 3]! + sum3;
    }
    for (; column < n; column++) {
      let sum = 0;
      for (let index = 0; index < k; index++) sum = (sum + Math.imul(a[row * k + index]!, b[column * k + index]!)) | 0;
      sums[row * n + column] = base - rightOffsets[column]! + sum;
    }
  }
}

/** The other side's zero point times the sum of each row. */
function zeroTerms(rows: Int8Array, count: number, k: number, zeroPoint: number): Int32Array {
  const terms = new Int32Array(count);
  if (zeroPoint === 0) return terms;
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let index = row * k; index < (row + 1) * k; index++) sum = (sum + rows[index]!) | 0;
    terms[row] = Math.imul(sum, zeroPoint);
  }
  return terms;
}
