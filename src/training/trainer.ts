import { InputError } from '../errors.ts';
import {
  initialLossScale,
  type LossScaleRule,
  type LossScaleState,
  nextLossScale,
} from '../numerics/formats/loss-scale.ts';
import type { Contractions } from '../numerics/ops/contraction.ts';
import { Random, type RandomState } from '../numerics/random.ts';
import type { Trace } from '../trace/trace.ts';
import { Batches, classifierOf, countRight, shuffled } from './batches.ts';
import type { Dataset } from './data/dataset.ts';
import { accuracyOf, type Classifier } from './evaluate.ts';
import type { Checkpoint } from './execute/checkpoint.ts';
import { NotFiniteError } from './execute/finite.ts';
import { Session } from './execute/session.ts';
import { type Faults, faultyAccuracy } from './faults/faulty-accuracy.ts';
import { quantizedAccuracy } from './quantized.ts';
import { rounder, type RoundingMode } from './rounding.ts';
import { learningRateAt, type Schedule } from './schedule.ts';

export interface TrainerOptions {
  /** One training step of the network. */
  readonly step: Trace;
  /** The network's forward pass, for tests; its batch may be another. */
  readonly forward: Trace;
  readonly dataset: Dataset;
  readonly epochs: number;
  readonly seed: number;
  readonly schedule: Omit<Schedule, 'totalSteps'>;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly rounding: RoundingMode;
  /** null: the loss is not scaled, and a step that overflows is an error. */
  readonly lossScale: LossScaleRule | null;
  readonly contractions: Contractions;
  /** Called before the first step, with the first weights in place: to start from others, or from fewer. */
  readonly onStart?: (session: Session) => void;
  /** Called after every step that changed weights; steps count from 0, those that were left out too. Its own state is not saved. */
  readonly afterStep?: (session: Session, step: number) => void;
}

export interface EpochResult {
  /** Mean over the epoch's steps. */
  readonly loss: number;
  /** Shares, 0 to 1; while training, so the first ones are of a network that knew less. */
  readonly trainAccuracy: number;
  readonly testAccuracy: number;
  /** Steps left out because scaled gradients overflowed. */
  readonly skippedSteps: number;
}

/** Where a training run stands after a whole epoch. */
export interface TrainerState {
  readonly session: Checkpoint;
  readonly rounding: RandomState;
  readonly lossScale: LossScaleState | null;
  readonly epochs: readonly EpochResult[];
}

/** Trains a classifier epoch by epoch. The same options give the same bits, also across `state` and `restore`. */
export class Trainer {
  readonly stepsPerEpoch: number;
  private readonly session: Session;
  private readonly tested: Classifier;
  private readonly batches: Batches;
  private readonly testBatches: Batches;
  private readonly roundingRandom: Random;
  private readonly names;
  private lossScale: LossScaleState | null;
  private results: readonly EpochResult[] = [];

  /** Throws InputError if network and data do not go together, or an op or format cannot run with values. */
  constructor(private readonly options: TrainerOptions) {
    const { step, forward, dataset, seed, rounding, contractions, lossScale } = options;
    this.names = classifierOf(step, dataset);
    this.roundingRandom = Random.named(seed, 'rounding');
    const round = rounder(step, rounding, this.roundingRandom);
    this.batches = new Batches(dataset.train, dataset, step.workload.batch);
    this.stepsPerEpoch = this.batches.whole;
    if (this.stepsPerEpoch === 0)
      throw InputError.of(
        '--batch',
        `${step.workload.batch} samples`,
        `use at most the ${dataset.train.count} there are to train on`,
      );
    const keep = [this.names.output];
    const shared = { seed, contractions, batchesPerEpoch: this.stepsPerEpoch };
    this.session = new Session(step, { ...shared, keep, ...(round !== null && { round }) });
    const output = forward.tensors.findIndex(({ role }) => role === 'output');
    const testRound = rounder(forward, 'nearest', this.roundingRandom);
    const test = new Session(forward, {
      ...shared,
      weightsOf: this.session,
      ...(testRound !== null && { round: testRound }),
    });
    this.tested = { session: test, input: this.names.input, output, classes: this.names.classes };
    this.testBatches = new Batches(dataset.test, dataset, forward.workload.batch);
    this.lossScale = lossScale === null ? null : initialLossScale(lossScale);
    options.onStart?.(this.session);
  }

  /** Results of the epochs done so far. */
  get epochs(): readonly EpochResult[] {
    return this.results;
  }

  /** One pass over the training samples, then the test. `onStep` hears of every step. */
  epoch(onStep: (step: number, loss: number, accuracy: number) => void): EpochResult {
    const { dataset, seed } = this.options;
    const order = shuffled(dataset.train.count, seed, this.results.length);
    let [lossSum, right, skippedSteps, counted] = [0, 0, 0, 0];
    for (let index = 0; index < this.stepsPerEpoch; index++) {
      const rows = this.batches.fill(index * this.batches.batch, order);
      if (!this.step(index)) {
        skippedSteps++;
        continue;
      }
      counted++;
      lossSum += this.session.loss!;
      right += countRight(this.session.values(this.names.output), this.names.classes, this.batches.target, rows);
      onStep(index + 1, lossSum / counted, right / (counted * this.batches.batch));
    }
    const trainAccuracy = right / Math.max(1, counted * this.batches.batch);
    const result = {
      loss: lossSum / Math.max(1, counted),
      trainAccuracy,
      testAccuracy: this.testAccuracy(),
      skippedSteps,
    };
    this.results = [...this.results, result];
    return result;
  }

  /** Share of the test samples that are told right. */
  testAccuracy(): number {
    return accuracyOf(this.tested, this.testBatches, this.options.dataset.test.count);
  }

  /** The same with integer operands of so many bits, calibrated on training samples. */
  quantizedAccuracy(bits: 4 | 8): number {
    const { forward, contractions, dataset } = this.options;
    const calibration = new Batches(dataset.train, dataset, forward.workload.batch);
    const { tested: trained, testBatches: test } = this;
    return quantizedAccuracy({
      trained,
      forward,
      bits,
      contractions,
      calibration,
      test,
      testCount: dataset.test.count,
    });
  }

  /** The same under transient faults. Throws InputError for a rate or formats that cannot be. */
  faultyAccuracy(faults: Faults): number {
    const { forward, contractions, dataset } = this.options;
    const { tested: trained, testBatches: test } = this;
    return faultyAccuracy({ trained, forward, contractions, faults, test, testCount: dataset.test.count });
  }

  state(): TrainerState {
    return {
      session: this.session.checkpoint(),
      rounding: this.roundingRandom.state,
      lossScale: this.lossScale,
      epochs: this.results,
    };
  }

  /** Goes on after the last epoch of a state. Throws InputError if it is of another network or optimizer. */
  restore(state: TrainerState): void {
    this.session.restore(state.session);
    this.roundingRandom.state = state.rounding;
    this.lossScale = state.lossScale;
    this.results = state.epochs;
  }

  /** One step; false if its gradients overflowed and it was left out, which scaled losses may. */
  private step(batchIndex: number): boolean {
    const { options, stepsPerEpoch } = this;
    const totalSteps = options.epochs * stepsPerEpoch;
    const done = this.results.length * stepsPerEpoch + batchIndex;
    const settings = {
      learningRate: learningRateAt({ ...options.schedule, totalSteps }, done),
      momentum: options.momentum,
      weightDecay: options.weightDecay,
      lossScale: this.lossScale?.scale ?? 1,
      batchIndex,
    };
    const { input, target } = this.batches;
    let overflowed = false;
    try {
      this.session.run({ [this.names.input]: input, [this.names.target]: target }, settings);
    } catch (error) {
      if (!(error instanceof NotFiniteError) || options.lossScale === null || options.lossScale.kind === 'static')
        throw error;
      overflowed = true;
    }
    if (options.lossScale !== null && this.lossScale !== null)
      this.lossScale = nextLossScale(options.lossScale, this.lossScale, overflowed);
    if (!overflowed) options.afterStep?.(this.session, done);
    return !overflowed;
  }
}
