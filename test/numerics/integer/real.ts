/** erf by its series (Abramowitz and Stegun 7.1.6): terms of one sign, so no digits are lost; to 1e-14 for |x| <= 6. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let count = 1; Math.abs(term) > 1e-17 * Math.abs(sum); count++) {
    term *= (2 * x * x) / (2 * count + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export function gelu(x: number): number {
  return Math.abs(x) > 8 ? Math.max(x, 0) : (x / 2) * (1 + erf(x / Math.SQRT2));
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Shares of exp by the definition, the largest argument taken out so that nothing overflows. */
export function softmax(row: readonly number[]): number[] {
  const largest = Math.max(...row);
  const weights = row.map((value) => Math.exp(value - largest));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

export function largestDifference(left: ArrayLike<number>, right: ArrayLike<number>): number {
  let largest = 0;
  for (let index = 0; index < left.length; index++) {
    largest = Math.max(largest, Math.abs(left[index]! - right[index]!));
  }
  return largest;
}
