import { expect, test } from 'vitest';
import { improvements, reached } from '../../bench/experiments/energy/costs.ts';
import type { Run } from '../../bench/experiments/energy/training.ts';

const RUN: Run = {
  ...{ network: 'small', method: 'SGD', learningRate: 0.01, validation: [], stepsPerEpoch: 40, trainingSeconds: 1 },
  points: [
    { steps: 10, testAccuracy: 0.8 },
    { steps: 20, testAccuracy: 0.95 },
    { steps: 30, testAccuracy: 0.9 },
    { steps: 40, testAccuracy: 0.96 },
  ],
};

test('an accuracy is reached at the first test that has it, also if later ones fall below', () => {
  expect(reached(RUN, 0.8)?.steps).toBe(10);
  expect(reached(RUN, 0.9)?.steps).toBe(20);
  expect(reached(RUN, 0.951)?.steps).toBe(40);
  expect(reached(RUN, 0.97)).toBeUndefined();
});

test('only tests better than all before them are drawn', () => {
  expect(improvements(RUN).map(({ steps }) => steps)).toEqual([10, 20, 40]);
});
