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
  const descending = Float64Array.from(weights, Math.abs).sort().reverse();
  let sum = 0;
  let gain = 0;
  let kept = 0;
  let keptSum = 0;
  for (let count = 1; count <= descending.length; count++) {
    sum += descending[count - 1]!;
    if ((sum * sum) / count <= gain) continue;
    gain = (sum * sum) / count;
    kept = count;
    keptSum = sum;
  }
  if (kept === 0) return { scale: 0, signs: new Int8Array(weights.length), gain: 0 };
  const least = descending[kept - 1]!;
  const signs = Int8Array.from(weights, (weight) => (Math.abs(weight) >= least ? Math.sign(weight) : 0));
  return { scale: keptSum / kept, signs, gain };
}
