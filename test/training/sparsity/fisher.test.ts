import { describe, expect, it } from 'vitest';
import { plainContractions } from '../../../src/numerics/ops/plain-contractions.ts';
import { Random } from '../../../src/numerics/random.ts';
import type { Dataset } from '../../../src/training/data/dataset.ts';
import { Session } from '../../../src/training/execute/session.ts';
import { diagonalFisher, SquaredGradients } from '../../../src/training/sparsity/fisher.ts';
import { trainingTrace } from '../execute/network.ts';

const LINEAR = `input: [2]
layers:
  - linear: { name: classes, out: 2 }
`;
/** Mean 0 and deviation 1, so that normalising changes nothing. */
const DATASET: Dataset = {
  name: 'two points',
  shape: [2],
  classes: 2,
  train: { count: 2, values: Float32Array.of(1, -1, -1, 1), labels: Uint8Array.of(0, 1) },
  test: { count: 1, values: Float32Array.of(1, 1), labels: Uint8Array.of(0) },
};

function fisherOf(labels: 'data' | 'model', samples: number, weight: readonly number[]) {
  const step = trainingTrace(LINEAR, 1);
  const contractions = plainContractions('float64');
  const session = new Session(step, { seed: 1, contractions });
  session.weight('classes.weight').set(weight);
  const before = session.checkpoint().tensors.get('classes.weight')!.slice();
  const fisher = diagonalFisher({
    ...{ step, weightsOf: session, seed: 1, contractions, dataset: DATASET, samples, labels },
  });
  expect(session.weight('classes.weight')).toEqual(before);
  return fisher;
}

describe('the diagonal of the curvature', () => {
  it('is that of a quadratic at its minimum: mean square of the input times that of the noise', () => {
    // Loss (w x - y)^2 / 2 with y = w x + noise of 1 / 4: gradient -x noise, second derivative x^2, Fisher x^2 / 16.
    const squared = new SquaredGradients();
    const inputs = [3, -1, 2];
    for (const input of inputs)
      for (const noise of [0.25, -0.25]) squared.add('w', Float64Array.of(-input * noise, noise));
    expect([...squared.means.get('w')!]).toEqual([(9 + 1 + 4) / 3 / 16, 1 / 16]);
  });

  it('is the mean square of single gradients of a linear classifier, counted by hand', () => {
    // Results are equal, so both classes have 1/2: a gradient is the input times 1/2 or -1/2, its square 1/4.
    const fisher = fisherOf('data', 2, [0, 0, 0, 0]);
    expect([...fisher.get('classes.weight')!]).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect([...fisher.get('classes.bias')!]).toEqual([0.25, 0.25]);
  });

  it('takes the classes of the data, or draws them from the model', () => {
    // Results (4, -4) for the first sample and (-4, 4) for the second, both right: chance of the wrong class q = 1 / (1 + e^8).
    const sure = [2, -2, -2, 2];
    const wrong = 1 / (1 + Math.exp(8));
    for (const value of fisherOf('data', 2, sure).get('classes.weight')!) expect(value).toBeCloseTo(wrong ** 2, 12);
    // Even chances: whatever class is drawn, the square is 1/4.
    for (const value of fisherOf('model', 2, [0, 0, 0, 0]).get('classes.bias')!) expect(value).toBeCloseTo(0.25, 12);
  });

  it('with classes of the model comes near to p (1 - p) x^2, the Gauss-Newton diagonal', () => {
    const random = Random.seeded(3);
    const count = 4000;
    const values = Float32Array.from({ length: 2 * count }, () => (random.below(2) === 0 ? 1 : -1));
    const many = { ...DATASET, train: { count, values, labels: new Uint8Array(count) } };
    const step = trainingTrace(LINEAR, 1);
    const contractions = plainContractions('float64');
    const session = new Session(step, { seed: 1, contractions });
    // Result x0 for class 0, 0 for class 1: p = 1 / (1 + e^-1) or its complement, p (1 - p) the same for both.
    session.weight('classes.weight').set([1, 0, 0, 0]);
    const fisher = diagonalFisher({
      ...{ step, weightsOf: session, seed: 5, contractions, dataset: many, samples: count, labels: 'model' },
    });
    const chance = 1 / (1 + Math.exp(-1));
    // One square deviates by 0.205, the mean of 4000 by 0.0032; four times that.
    for (const value of fisher.get('classes.weight')!)
      expect(Math.abs(value - chance * (1 - chance))).toBeLessThan(0.013);
  });
});
