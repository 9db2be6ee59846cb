import { expect, test } from 'vitest';
import { improvements, reached } from '../../bench/experiments/energy/costs.ts';
import { compareRates, pickRate } from '../../bench/experiments/energy/rates.ts';
import type { Run, Training } from '../../bench/experiments/energy/training.ts';

/** A run tested after 10, 20, .. steps. */
function run(epochs: number, accuracies: readonly number[]): Run {
  const points = accuracies.map((testAccuracy, index) => ({ steps: 10 * (index + 1), testAccuracy }));
  return { epochs, points, diverged: false, seconds: 1 };
}

const TRAINING: Training = {
  ...{ network: 'small', method: 'SGD', learningRate: 0.01, validation: [], rateSeconds: 1 },
  runs: [run(1, [0.8, 0.95, 0.9, 0.96]), run(2, [0.85, 0.9, 0.97, 0.94, 0.96, 0.98])],
};

test('an accuracy is reached at the first test that has it in any run, also if later ones fall below', () => {
  expect(reached(TRAINING, 0.85)).toEqual({ steps: 10, testAccuracy: 0.85 });
  expect(reached(TRAINING, 0.9)).toEqual({ steps: 20, testAccuracy: 0.95 });
  expect(reached(TRAINING, 0.97)?.steps).toBe(30);
  expect(reached(TRAINING, 0.99)).toBeUndefined();
});

test('only tests better than all with fewer steps are drawn', () => {
  expect(improvements(TRAINING)).toEqual([
    { steps: 10, testAccuracy: 0.85 },
    { steps: 20, testAccuracy: 0.95 },
    { steps: 30, testAccuracy: 0.97 },
    { steps: 60, testAccuracy: 0.98 },
  ]);
});

test.each([
  // By power of two from the first rate: one peak, inside what is tried at first; above it; below it.
  [0, [-1, 0, 1]],
  [3, [-1, 0, 1, 2, 3, 4]],
  [-2, [-3, -2, -1, 0, 1]],
])('rates are tried until the best, 2^%i times the first, has worse ones on both sides', (peak, tried) => {
  const rates = compareRates(1, (rate) => 1 - Math.abs(Math.log2(rate) - peak) / 10);
  expect(rates.map(({ learningRate }) => Math.log2(learningRate))).toEqual(tried);
  expect(pickRate(rates, 10_000)).toBe(2 ** peak);
});

test('a rate without finite values is worse than all others', () => {
  const rates = compareRates(1, (rate) => (rate > 1 ? null : rate / 2));
  expect(rates.map(({ learningRate, accuracy }) => [learningRate, accuracy])).toEqual([
    [0.5, 0.25],
    [1, 0.5],
    [2, null],
  ]);
});

test('the lowest rate is picked of those that samples do not tell apart', () => {
  // The standard error of 90 % is 0.3 points on 10,000 samples, 3 points on 100.
  const rates = [0.865, 0.898, 0.9, null].map((accuracy, index) => ({ learningRate: 2 ** index, accuracy }));
  expect(pickRate(rates, 10_000)).toBe(2);
  expect(pickRate(rates, 1_000_000)).toBe(4);
  expect(pickRate(rates, 50)).toBe(1);
});
