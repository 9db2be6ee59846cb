import { plainContractions } from '../../src/numerics/ops/plain-contractions.ts';
import type { Contractions } from '../../src/numerics/ops/contraction.ts';
import { blobs } from '../../src/training/data/generated.ts';
import { type StepOptions, trainingStep } from '../../src/training/step.ts';
import { Trainer, type TrainerOptions } from '../../src/training/trainer.ts';
import { parsePrecision } from '../../src/workload/precision.ts';
import { forwardTrace } from './execute/network.ts';

export const PERCEPTRON = `input: [8]
layers:
  - linear: { name: first, out: 24, act: relu }
  - linear: { name: second, out: 16, act: relu }
  - linear: { name: classes, out: 4 }
`;

interface Learner {
  readonly feedback?: NonNullable<StepOptions['feedback']>;
  readonly precision?: string;
  readonly contractions?: Contractions;
  readonly changes?: Partial<TrainerOptions>;
}

/** A trainer of the perceptron on clouds of points, for three epochs of 100 steps. */
export function learner({ feedback, precision = 'fp32', contractions, changes }: Learner = {}): Trainer {
  return new Trainer({
    step: trainingStep(forwardTrace(PERCEPTRON, 20, precision), {
      optimizer: 'momentum',
      precision: parsePrecision(precision),
      ...(feedback !== undefined && { feedback }),
    }),
    forward: forwardTrace(PERCEPTRON, 50, precision),
    dataset: blobs(),
    epochs: 3,
    seed: 5,
    schedule: { learningRate: 0.05, shape: 'cosine', warmupSteps: 10 },
    momentum: 0.9,
    weightDecay: 0,
    rounding: 'nearest',
    lossScale: null,
    contractions: contractions ?? plainContractions(),
    ...changes,
  });
}

/** All epochs; returns the trainer. */
export function trainAll(trainer: Trainer, epochs = 3): Trainer {
  for (let epoch = 0; epoch < epochs; epoch++) trainer.epoch(() => {});
  return trainer;
}
