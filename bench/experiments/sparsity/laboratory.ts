import { dataPath, readInputBytes } from '../../../src/files.ts';
import { createKernels } from '../../../src/numerics/kernels/kernels.ts';
import { loadDataset } from '../../../src/training/data/load.ts';
import type { Checkpoint } from '../../../src/training/execute/checkpoint.ts';
import type { Session } from '../../../src/training/execute/session.ts';
import { fastContractions } from '../../../src/training/fast-contractions.ts';
import type { SparseTraining } from '../../../src/training/sparsity/hooks.ts';
import { frozen } from '../../../src/training/sparsity/lottery.ts';
import { prunableWeights } from '../../../src/training/sparsity/weight-layout.ts';
import { Trainer } from '../../../src/training/trainer.ts';
import { loadTrace } from '../../../src/workload/load.ts';

/** Everything is trained alike, but for the rate when an already trained network goes on. */
export const SETTING = {
  network: 'lenet-300-100',
  optimizer: 'adam',
  batch: 128,
  precision: 'fp32',
  shape: 'cosine',
  learningRate: 0.002,
  epochs: 4,
  goOnLearningRate: 0.001,
  goOnEpochs: 3,
} as const;

const { network, optimizer, batch, precision } = SETTING;
export const contractions = fastContractions(createKernels(readInputBytes(dataPath('dist', 'kernels.wasm'))));
export const step = loadTrace(network, { phase: 'training', batch, precision, optimizer }, precision);
/** The same step one sample at a time, for gradients of single samples. */
export const sampleStep = loadTrace(network, { phase: 'training', batch: 1, precision, optimizer: 'gd' }, precision);
export const forward = loadTrace(network, { phase: 'inference', batch: 200, precision }, precision);
export const dataset = loadDataset('mnist');
export const layouts = prunableWeights(step);

/** Test accuracy, a share, after so many epochs. */
export interface Point {
  readonly epoch: number;
  readonly testAccuracy: number;
}

export interface Training {
  readonly label: string;
  readonly seed: number;
  /** First weights; null: the seed's. */
  readonly start: Checkpoint | null;
  readonly hooks: SparseTraining | null;
  readonly epochs: number;
  readonly learningRate: number;
}

export interface TrainingResult {
  readonly curve: readonly Point[];
  readonly start: Checkpoint;
  readonly end: Checkpoint;
  readonly trainer: Trainer;
  readonly session: Session;
}

/** Trains, tests after a quarter of the first epoch and after every epoch, and tells how it went. */
export function train({ label, seed, start, hooks, epochs, learningRate }: Training): TrainingResult {
  const found: { session: Session; start: Checkpoint }[] = [];
  const trainer = new Trainer({
    ...{ step, forward, dataset, epochs, seed, contractions },
    schedule: { learningRate, shape: SETTING.shape, warmupSteps: 0 },
    ...{ momentum: 0.9, weightDecay: 0, rounding: 'nearest', lossScale: null },
    onStart: (session) => {
      if (start !== null) session.restore(start);
      hooks?.onStart(session);
      found.push({ session, start: frozen(session.checkpoint()) });
    },
    afterStep: (session, at) => hooks?.afterStep(session, at),
  });
  const curve: Point[] = [];
  const quarter = Math.floor(trainer.stepsPerEpoch / 4);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const { testAccuracy } = trainer.epoch((at) => {
      if (epoch === 1 && at === quarter) curve.push({ epoch: 0.25, testAccuracy: trainer.testAccuracy() });
    });
    curve.push({ epoch, testAccuracy });
  }
  console.log(
    `seed ${seed}, ${label}: ${curve.map(({ testAccuracy }) => (100 * testAccuracy).toFixed(2)).join(' ')} %`,
  );
  const { session, start: first } = found[0]!;
  return { curve, start: first, end: frozen(session.checkpoint()), trainer, session };
}

/** Where a continued training starts: the weights and the optimizer's states of another's end. */
export function goOn(label: string, seed: number, from: Checkpoint, hooks: SparseTraining | null): TrainingResult {
  const { goOnEpochs: epochs, goOnLearningRate: learningRate } = SETTING;
  // Another order of the samples than in the epochs before.
  return train({ label, seed: seed + 500, start: from, hooks, epochs, learningRate });
}
