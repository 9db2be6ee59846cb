const word = new Float64Array(1);
const bits = new BigUint64Array(word.buffer);

/**
 * The sum of two float64 numbers rounded to odd: exact where float64 holds it, else the neighbour whose last bit is 1.
 * Rounding that result once more, to a format at least two bits shorter, is the same as rounding the exact sum (Boldo and
 * Melquiond 2008); a plain float64 sum would round twice. The error of the plain sum is Knuth's two-sum.
 */
export function sumRoundedToOdd(left: number, right: number): number {
  const sum = left + right;
  const rightPart = sum - left;
  const error = left - (sum - rightPart) + (right - rightPart);
  if (error === 0 || !Number.isFinite(error)) return sum;
  word[0] = sum;
  if ((bits[0]! & 1n) === 0n) bits[0]! += error > 0 === sum > 0 ? 1n : -1n;
  return word[0]!;
}
