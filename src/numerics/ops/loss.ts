import type { Values } from './values.ts';

/** Class scores of [outer, classes, inner] positions; `inner` is 1 where classes are the last axis. */
export interface LossSizes {
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
  /** The scores come out of a softmax: they are probabilities already. */
  readonly probabilities: boolean;
}

/** Smallest probability that counts; its logarithm and inverse are still finite in single precision. */
const LEAST_PROBABILITY = 1e-30;

/** Index of the first target that is no class, null if all are. */
export function wrongTarget(targets: Values, classes: number): number | null {
  const index = targets.findIndex((target: number) => !(Number.isInteger(target) && target >= 0 && target < classes));
  return index < 0 ? null : index;
}

/** Cross entropy in nats, the mean over all positions; targets [outer, inner] are classes. */
export function crossEntropy(sizes: LossSizes, scores: Values, targets: Values): number {
  const { outer, classes, inner, probabilities } = sizes;
  let sum = 0;
  for (let index = 0; index < outer * inner; index++) {
    const start = Math.floor(index / inner) * classes * inner + (index % inner);
    const score = scores[start + targets[index]! * inner]!;
    if (probabilities) sum -= Math.log(Math.max(score, LEAST_PROBABILITY));
    else sum += largestOf(sizes, scores, start) + Math.log(sumOfPowers(sizes, scores, start)) - score;
  }
  return sum / (outer * inner);
}

/** `factor` times the gradient of the mean cross entropy by the scores: (softmax - one hot) / positions, or -1 / (p positions). */
export function crossEntropyGradient(
  sizes: LossSizes,
  factor: number,
  scores: Values,
  targets: Values,
  result: Values,
): void {
  const { outer, classes, inner, probabilities } = sizes;
  const positions = outer * inner;
  const share = factor / positions;
  if (probabilities) result.fill(0);
  for (let index = 0; index < positions; index++) {
    const start = Math.floor(index / inner) * classes * inner + (index % inner);
    const target = start + targets[index]! * inner;
    if (probabilities) {
      result[target] = -share / Math.max(scores[target]!, LEAST_PROBABILITY);
      continue;
    }
    const largest = largestOf(sizes, scores, start);
    const perPower = share / sumOfPowers(sizes, scores, start);
    for (let one = 0, at = start; one < classes; one++, at += inner)
      result[at] = Math.exp(scores[at]! - largest) * perPower - (at === target ? share : 0);
  }
}

function largestOf({ classes, inner }: LossSizes, scores: Values, start: number): number {
  let largest = -Infinity;
  for (let one = 0, at = start; one < classes; one++, at += inner) largest = Math.max(largest, scores[at]!);
  return largest;
}

/** Sum over the classes of exp(score - largest score). */
function sumOfPowers(sizes: LossSizes, scores: Values, start: number): number {
  const largest = largestOf(sizes, scores, start);
  let sum = 0;
  for (let one = 0, at = start; one < sizes.classes; one++, at += sizes.inner) sum += Math.exp(scores[at]! - largest);
  return sum;
}
