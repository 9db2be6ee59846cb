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

/** The target of a position that does not count: it adds nothing to the loss and gets no gradient. */
export const NO_CLASS = -1;

/** Index of the first target that is no class and not NO_CLASS, null if all are. Over one output classes are 0 and 1. */
export function wrongTarget(targets: Values, classes: number): number | null {
  const limit = Math.max(2, classes);
  const index = targets.findIndex(
    (target: number) => !(Number.isInteger(target) && target >= NO_CLASS && target < limit),
  );
  return index < 0 ? null : index;
}

/** Positions that count, at least 1. */
function counted(targets: Values): number {
  let count = 0;
  for (let index = 0; index < targets.length; index++) if (targets[index] !== NO_CLASS) count++;
  return Math.max(1, count);
}

/** Cross entropy in nats, the mean over all positions that count; targets [outer, inner] are classes. */
export function crossEntropy(sizes: LossSizes, scores: Values, targets: Values): number {
  const { outer, classes, inner, probabilities } = sizes;
  let sum = 0;
  for (let index = 0; index < outer * inner; index++) {
    if (targets[index] === NO_CLASS) continue;
    const start = Math.floor(index / inner) * classes * inner + (index % inner);
    const score = scores[start + targets[index]! * inner]!;
    if (probabilities) sum -= Math.log(Math.max(score, LEAST_PROBABILITY));
    else sum += largestOf(sizes, scores, start) + Math.log(sumOfPowers(sizes, scores, start)) - score;
  }
  return sum / counted(targets);
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
  const share = factor / counted(targets);
  result.fill(0);
  for (let index = 0; index < outer * inner; index++) {
    if (targets[index] === NO_CLASS) continue;
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

/** Binary cross entropy of one score a position, the mean over those that count; targets are 0 and 1. */
export function binaryCrossEntropy(probabilities: boolean, scores: Values, targets: Values): number {
  let sum = 0;
  for (let index = 0; index < scores.length; index++) {
    const [score, target] = [scores[index]!, targets[index]!];
    if (target === NO_CLASS) continue;
    if (probabilities) sum -= Math.log(Math.max(target === 1 ? score : 1 - score, LEAST_PROBABILITY));
    // log(1 + exp(-s)) of the score for the class that is meant, without overflow.
    else sum += Math.max(target === 1 ? -score : score, 0) + Math.log1p(Math.exp(-Math.abs(score)));
  }
  return sum / counted(targets);
}

/** `factor` times its gradient by the scores: (sigmoid - target) / positions; of probabilities -1 / (p positions) or 1 / ((1 - p) positions). */
export function binaryCrossEntropyGradient(
  probabilities: boolean,
  factor: number,
  scores: Values,
  targets: Values,
  result: Values,
): void {
  const share = factor / counted(targets);
  for (let index = 0; index < scores.length; index++) {
    const [score, target] = [scores[index]!, targets[index]!];
    if (target === NO_CLASS) result[index] = 0;
    else if (!probabilities) result[index] = share * (1 / (1 + Math.exp(-score)) - target);
    else if (target === 1) result[index] = -share / Math.max(score, LEAST_PROBABILITY);
    else result[index] = share / Math.max(1 - score, LEAST_PROBABILITY);
  }
}
