import { dataPath, readInputBytes } from '../../../src/files.ts';
import { createKernels } from '../../../src/numerics/kernels/kernels.ts';
import type { Dataset, Samples } from '../../../src/training/data/dataset.ts';
import { loadDataset } from '../../../src/training/data/load.ts';
import { NotFiniteError } from '../../../src/training/execute/finite.ts';
import { fastContractions } from '../../../src/training/fast-contractions.ts';
import { Trainer } from '../../../src/training/trainer.ts';
import { loadTrace } from '../../../src/workload/load.ts';
import { type Method, ratesOf, type Subject } from './methods.ts';

export const SEED = 1;
/** The last training samples, which rates are picked by and nothing is trained on. */
export const HELD_OUT = 10_000;
/** The machines compute in fp16; values here are fp32, costs are those of fp16. */
const PRECISION = 'fp32';
const TEST_BATCH = 200;
/** Shares of the first epoch after which the network is tested; later ones are tested by halves. */
const FIRST_SHARES = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8];
const LATER_SHARES = [0.5];

/** Test accuracy, a share, after so many steps. */
export interface Point {
  readonly steps: number;
  readonly testAccuracy: number;
}

/** A network as trained by one method. */
export interface Run {
  readonly network: string;
  readonly method: string;
  readonly learningRate: number;
  /** Validation accuracies of the short runs, by learning rate; null: values were no longer finite. */
  readonly validation: readonly { readonly learningRate: number; readonly accuracy: number | null }[];
  readonly stepsPerEpoch: number;
  readonly points: readonly Point[];
  /** Wall-clock time of the long run on one core of this computer, tests left out. */
  readonly trainingSeconds: number;
}

const contractions = fastContractions(createKernels(readInputBytes(dataPath('dist', 'kernels.wasm'))));
const mnist = loadDataset('mnist');

function part({ values, labels, count }: Samples, from: number, to: number): Samples {
  const width = values.length / count;
  return { count: to - from, values: values.subarray(from * width, to * width), labels: labels.subarray(from, to) };
}

function trainer(
  { path }: Subject,
  { batch, options }: Method,
  dataset: Dataset,
  learningRate: number,
  epochs: number,
) {
  const shared = { precision: PRECISION };
  return new Trainer({
    step: loadTrace(path, { ...shared, ...options, phase: 'training', optimizer: 'gd', batch }, PRECISION),
    forward: loadTrace(path, { ...shared, phase: 'inference', batch: TEST_BATCH }, PRECISION),
    ...{ dataset, epochs, contractions },
    seed: SEED,
    schedule: { learningRate, shape: 'cosine', warmupSteps: 0 },
    ...{ momentum: 0, weightDecay: 0, rounding: 'nearest', lossScale: null },
  });
}

/** Accuracy on the held-out samples after one short epoch; null if values were no longer finite. */
function validated(subject: Subject, method: Method, learningRate: number): number | null {
  const { train } = mnist;
  const dataset = {
    ...mnist,
    train: part(train, 0, subject.rateSamples),
    test: part(train, train.count - HELD_OUT, train.count),
  };
  try {
    return trainer(subject, method, dataset, learningRate, 1).epoch(() => {}).testAccuracy;
  } catch (error) {
    if (error instanceof NotFiniteError) return null;
    throw error;
  }
}

/** Picks a rate on held-out samples, then trains with it and tests on the way. */
export function run(subject: Subject, method: Method): Run {
  const validation = ratesOf(method).map((rate) => ({
    learningRate: rate,
    accuracy: validated(subject, method, rate),
  }));
  const best = validation.reduce((a, b) => ((b.accuracy ?? 0) > (a.accuracy ?? 0) ? b : a));
  const dataset = { ...mnist, train: part(mnist.train, 0, subject.samples) };
  const trained = trainer(subject, method, dataset, best.learningRate, method.epochs);
  const { stepsPerEpoch } = trained;
  const points: Point[] = [];
  let testSeconds = 0;
  const start = performance.now();
  for (let epoch = 0; epoch < method.epochs; epoch++) {
    const at = new Set((epoch === 0 ? FIRST_SHARES : LATER_SHARES).map((share) => Math.round(share * stepsPerEpoch)));
    const { testAccuracy } = trained.epoch((step) => {
      if (!at.has(step) || step === stepsPerEpoch) return;
      const before = performance.now();
      points.push({ steps: epoch * stepsPerEpoch + step, testAccuracy: trained.testAccuracy() });
      testSeconds += (performance.now() - before) / 1e3;
    });
    points.push({ steps: (epoch + 1) * stepsPerEpoch, testAccuracy });
  }
  return {
    network: subject.name,
    method: method.name,
    learningRate: best.learningRate,
    ...{ validation, stepsPerEpoch, points },
    trainingSeconds: (performance.now() - start) / 1e3 - testSeconds,
  };
}
