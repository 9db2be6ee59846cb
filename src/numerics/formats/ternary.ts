/**
 * The best ternary stand-in for some weights: scale * sign(w) where |w| > threshold, else 0, with the scale and threshold
 * that minimise the squared distance (Li 2016, arXiv 1605.04711; Kundu 2018, arXiv 1707.04679).
 */
export interface TernaryTerm {
  readonly scale: number;
  /** -1, 0 or 1 for each weight. */
  readonly signs: Int8Array;
  /** How much the squared distance to the weights falls with this term. */
  readonly gain: number;
}

/**
 * For a given set of kept weights the best scale is their mean magnitude, and the squared distance falls by (sum of their
 * magnitudes)^2 / count. The kept set is always some largest magnitudes, so one pass over them in descending order finds it;
 * of equal magnitudes it keeps all or none, since the fall is convex in their count.
 */
export function ternarize(weights: Float64Array): TernaryTerm {
  // Loops: `from` takes many times as long, and training does this to every weight in every step.
  const ascending = new Float64Array(weights.length);
  for (let index = 0; index < weights.length; index++) ascending[index] = Math.abs(weights[index]!);
  ascending.sort();
  const { length } = ascending;
  let sum = 0;
  let gain = 0;
  let kept = 0;
  let keptSum = 0;
  for (let count = 1; count <= length; count++) {
    sum += ascending[length - count]!;
    if ((sum * sum) / count <= gain) continue;
    gain = (sum * sum) / count;
    kept = count;
    keptSum = sum;
  }
  const signs = new Int8Array(length);
  if (kept === 0) return { scale: 0, signs, gain: 0 };
  const least = ascending[length - kept]!;
  for (let index = 0; index < length; index++)
    if (Math.abs(weights[index]!) >= least) signs[index] = Math.sign(weights[index]!);
  return { scale: keptSum / kept, signs, gain };
}
