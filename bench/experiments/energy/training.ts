import { dataPath, readInputBytes } from '../../../src/files.ts';
import { createKernels } from '../../../src/numerics/kernels/kernels.ts';
import type { Dataset, Samples } from '../../../src/training/data/dataset.ts';
import { loadDataset } from '../../../src/training/data/load.ts';
import { NotFiniteError } from '../../../src/training/execute/finite.ts';
import { fastContractions } from '../../../src/training/fast-contractions.ts';
import { Trainer } from '../../../src/training/trainer.ts';
import { loadTrace } from '../../../src/workload/load.ts';
import type { Method, Subject } from './methods.ts';
import { compareRates, pickRate, type Rate } from './rates.ts';

export const SEED = 1;
/** The last training samples, which rates are picked by and nothing is trained on. */
export const HELD_OUT = 10_000;
/** The machines compute in fp16; values here are fp32, costs are those of fp16. */
const PRECISION = 'fp32';
const TEST_BATCH = 200;
/** Samples before the first test, and from one test to the next. */
const FIRST_TEST = 1_000;
export const TEST_RATIO = 1.2;

/** Test accuracy, a share, after so many steps. */
export interface Point {
  readonly steps: number;
  readonly testAccuracy: number;
}

/** One run, its learning rate falling to 0 over its epochs. */
export interface Run {
  readonly epochs: number;
  readonly points: readonly Point[];
  /** Values were no longer finite after the last point. */
  readonly diverged: boolean;
  /** Wall-clock time on one core of the computer it ran on, tests included. */
  readonly seconds: number;
}

/** A network as trained by one method. */
export interface Training {
  readonly network: string;
  readonly method: string;
  readonly learningRate: number;
  readonly validation: readonly Rate[];
  /** Wall-clock time of comparing rates. */
  readonly rateSeconds: number;
  readonly runs: readonly Run[];
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

/** What networks are trained on, tested on the given samples. */
function dataset(count: number, test: Samples): Dataset {
  return { ...mnist, train: part(mnist.train, 0, count), test };
}

/** Accuracy on the held-out samples after a short run; null if values were no longer finite. */
function validated(subject: Subject, method: Method, learningRate: number): number | null {
  const { train } = mnist;
  const heldOut = dataset(subject.rateSamples, part(train, train.count - HELD_OUT, train.count));
  const trained = trainer(subject, method, heldOut, learningRate, method.rateEpochs);
  const ended = staysFinite(() => {
    while (trained.epochs.length < method.rateEpochs) trained.epoch(() => {});
  });
  return ended ? trained.epochs.at(-1)!.testAccuracy : null;
}

/** Steps after which a run is tested, the last one included: the same samples for all methods, as nearly as whole steps allow. */
function testSteps(steps: number, batch: number): ReadonlySet<number> {
  const at = new Set<number>();
  for (let seen = FIRST_TEST; seen < steps * batch; seen *= TEST_RATIO) at.add(Math.round(seen / batch));
  return at.add(steps);
}

/** Trains anew, for so many epochs. */
export function run(subject: Subject, method: Method, learningRate: number, epochs: number): Run {
  const trained = trainer(subject, method, dataset(subject.samples, mnist.test), learningRate, epochs);
  const { stepsPerEpoch } = trained;
  const at = testSteps(epochs * stepsPerEpoch, method.batch);
  const points: Point[] = [];
  const start = performance.now();
  const onStep = (step: number): void => {
    const steps = trained.epochs.length * stepsPerEpoch + step;
    if (at.has(steps)) points.push({ steps, testAccuracy: trained.testAccuracy() });
  };
  const diverged = !staysFinite(() => {
    while (trained.epochs.length < epochs) trained.epoch(onStep);
  });
  return { epochs, points, diverged, seconds: (performance.now() - start) / 1e3 };
}

/** Whether training came to its end with finite values. */
function staysFinite(training: () => void): boolean {
  try {
    training();
  } catch (error) {
    if (error instanceof NotFiniteError) return false;
    throw error;
  }
  return true;
}

/** A training without runs yet, but with its learning rate, picked on held-out samples. */
export function prepare(subject: Subject, method: Method): Training {
  const start = performance.now();
  const validation = compareRates(method.firstRate, (rate) => validated(subject, method, rate));
  const learningRate = pickRate(validation, HELD_OUT);
  const rateSeconds = (performance.now() - start) / 1e3;
  return { network: subject.name, method: method.name, learningRate, validation, rateSeconds, runs: [] };
}
