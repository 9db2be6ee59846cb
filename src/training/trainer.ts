import { InputError } from '../errors.ts';
import {
  initialLossScale,
  type LossScaleRule,
  type LossScaleState,
  nextLossScale,
} from '../numerics/formats/loss-scale.ts';
import type { TernaryOptions } from '../numerics/formats/ternary-residual.ts';
import type { Contractions } from '../numerics/ops/contraction.ts';
import { Random, type RandomState } from '../numerics/random.ts';
import type { SparsePattern, TensorId, Trace } from '../trace/trace.ts';
import { Batches, classifierOf, countRight, shuffled } from './batches.ts';
import type { Dataset } from './data/dataset.ts';
import { accuracyOf, type Classifier, type TrainedNetwork } from './evaluate.ts';
import type { Checkpoint } from './execute/checkpoint.ts';
import { NotFiniteError } from './execute/finite.ts';
import { Session } from './execute/session.ts';
import { updateDelays } from './pipelined.ts';
import { rounder, type RoundingMode } from './rounding.ts';
import { Replicas } from './scaling/replicas.ts';
import { ALONE, type Scaling } from './scaling/scaling.ts';
import { learningRateAt, type Schedule } from './schedule.ts';
import { DensityMeter } from './sparsity/density.ts';
import type { MaskState } from './sparsity/hooks.ts';
import type { PlanOptions, Sparsity } from './sparsity/plan.ts';
import { hasPattern } from './sparsity/pattern.ts';
import { probe } from './sparsity/probe.ts';
import type { WeightLayout } from './sparsity/weight-layout.ts';

export interface TrainerOptions {
  /** One training step of the network, as one rank takes it. */
  readonly step: Trace;
  /** Ranks that train together, each on a batch of its own, and how; one rank if absent. */
  readonly scaling?: Scaling;
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
  /** Makes the network sparse while it is trained; its state is saved. */
  readonly sparsity?: (options: PlanOptions) => Sparsity;
  /** So many times the schedule of the learning rate starts anew; 1 if absent. */
  readonly rounds?: number;
  /** How weights in ternary are made of terms; one of each block of 64 if absent. */
  readonly ternary?: TernaryOptions;
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
  /** null: nothing is masked. */
  readonly masks: MaskState | null;
}

/** Mini-batches that densities are measured on. */
const DENSITY_BATCHES = 8;

/** What ties a step's forward pass to its own gradients, which a pipeline has apart. Throws InputError. */
function refuseInPipeline(scaling: Scaling, lossScale: LossScaleRule | null): void {
  const remedy = 'leave it out, or train stepwise';
  if (scaling.ranks > 1)
    throw InputError.of('--propagation', `pipelined, on ${scaling.ranks} ranks`, 'use one rank, or train stepwise');
  if (lossScale !== null && lossScale.kind !== 'static')
    throw InputError.of('--loss-scale', `${lossScale.kind}, with pipelined propagation`, `use a number, ${remedy}`);
}

/** Trains a classifier epoch by epoch. The same options give the same bits, also across `state` and `restore`. */
export class Trainer {
  readonly stepsPerEpoch: number;
  private readonly replicas: Replicas;
  private readonly tested: Classifier;
  private readonly batches: Batches;
  private readonly testBatches: Batches;
  private readonly roundingRandom: Random;
  private readonly names;
  private readonly sparsity: Sparsity | null;
  private lossScale: LossScaleState | null;
  private results: readonly EpochResult[] = [];

  /** Throws InputError if network and data do not go together, or an op or format cannot run with values. */
  constructor(private readonly options: TrainerOptions) {
    const { step, forward, dataset, seed, rounding, contractions, lossScale, ternary, scaling = ALONE } = options;
    this.names = classifierOf(step, dataset);
    if (updateDelays(step).size > 0) refuseInPipeline(scaling, lossScale);
    this.roundingRandom = Random.named(seed, 'rounding');
    const round = rounder(step, rounding, this.roundingRandom, ternary);
    this.batches = new Batches(dataset.train, dataset, step.workload.batch * scaling.ranks);
    this.stepsPerEpoch = this.batches.whole;
    if (this.stepsPerEpoch === 0)
      throw InputError.of(
        '--batch',
        `${this.batches.batch} samples`,
        `use at most the ${dataset.train.count} there are to train on`,
      );
    const keep = [this.names.output];
    const shared = { seed, contractions, batchesPerEpoch: this.stepsPerEpoch };
    this.replicas = new Replicas(step, { ...shared, keep, ...(round !== null && { round }) }, scaling);
    const output = forward.tensors.findIndex(({ role }) => role === 'output');
    const testRound = rounder(forward, 'nearest', this.roundingRandom, ternary);
    const test = new Session(forward, {
      ...shared,
      weightsOf: this.replicas.session,
      ...(testRound !== null && { round: testRound }),
    });
    this.tested = { session: test, input: this.names.input, output, classes: this.names.classes };
    this.testBatches = new Batches(dataset.test, dataset, forward.workload.batch);
    this.lossScale = lossScale === null ? null : initialLossScale(lossScale);
    const totalSteps = options.epochs * this.stepsPerEpoch;
    const learningRateAt = (done: number): number => this.learningRateAt(done);
    this.sparsity = options.sparsity?.({ step, totalSteps, seed, learningRateAt }) ?? null;
    options.onStart?.(this.replicas.session);
    this.sparsity?.onStart(this.replicas.session);
  }

  /** Results of the epochs done so far. */
  get epochs(): readonly EpochResult[] {
    return this.results;
  }

  /**
   * One pass over the training samples, then the test. `onStep` hears of every step. Throws NotFiniteError for a step that may not be
   * left out, and where all of them were, as no loss scale helps then.
   */
  epoch(onStep: (step: number, loss: number, accuracy: number) => void): EpochResult {
    const { dataset, seed } = this.options;
    const order = shuffled(dataset.train.count, seed, this.results.length);
    let [lossSum, right, counted] = [0, 0, 0];
    let overflow: NotFiniteError | null = null;
    for (let index = 0; index < this.stepsPerEpoch; index++) {
      const rows = this.batches.fill(index * this.batches.batch, order);
      const { expected: id } = this.names;
      const expected = id === null ? this.batches.target : this.replicas.values(id).slice();
      const found = this.step(index);
      overflow = found ?? overflow;
      if (found !== null) continue;
      counted++;
      lossSum += this.replicas.loss!;
      right += countRight(this.replicas.values(this.names.output), this.names.classes, expected, rows);
      onStep(index + 1, lossSum / counted, right / (counted * this.batches.batch));
    }
    if (overflow !== null && counted === 0) throw overflow;
    const result = {
      loss: lossSum / counted,
      trainAccuracy: right / (counted * this.batches.batch),
      testAccuracy: this.testAccuracy(),
      skippedSteps: this.stepsPerEpoch - counted,
    };
    this.results = [...this.results, result];
    return result;
  }

  /** Share of the test samples that are told right. */
  testAccuracy(): number {
    return accuracyOf(this.tested, this.testBatches, this.options.dataset.test.count);
  }

  /** The network with its weights as they are, to test it with integer operands, in integers alone or under faults. */
  get network(): TrainedNetwork {
    const { forward, contractions, dataset } = this.options;
    return {
      trained: this.tested,
      forward,
      contractions,
      calibration: new Batches(dataset.train, dataset, forward.workload.batch),
      calibrationCount: dataset.train.count,
      test: this.testBatches,
      testCount: dataset.test.count,
    };
  }

  /** Densities of a training step's tensors with the weights as they are, means over a few mini-batches. */
  densities(): ReadonlyMap<TensorId, number> {
    const { step, contractions, seed, dataset } = this.options;
    const weightsOf = this.replicas.session;
    const session = probe({ step, weightsOf, keep: 'all', seed, contractions });
    const batches = new Batches(dataset.train, dataset, step.workload.batch);
    const meter = new DensityMeter();
    // A pipeline is full when the first mini-batch has reached its last update; until then layers work on zeros.
    const filling = Math.max(0, ...updateDelays(step).values());
    for (let index = 0; index < filling + Math.min(batches.whole, DENSITY_BATCHES); index++) {
      batches.fill((index % batches.whole) * batches.batch, null);
      const settings = { lossScale: this.lossScale?.scale ?? 1 };
      session.run({ [this.names.input]: batches.input, [this.names.target]: batches.target }, settings);
      if (index >= filling) meter.sample(session);
    }
    return meter.densities;
  }

  /** Says of a weight whether it has the pattern as it is now. */
  hasPattern(pattern: SparsePattern): (layout: WeightLayout) => boolean {
    const { session } = this.replicas;
    return (layout) => hasPattern({ layout, values: session.weight(layout.name) }, pattern);
  }

  state(): TrainerState {
    return {
      session: this.replicas.checkpoint(),
      rounding: this.roundingRandom.state,
      lossScale: this.lossScale,
      epochs: this.results,
      masks: this.sparsity?.state ?? null,
    };
  }

  /** Goes on after the last epoch of a state. Throws InputError if it is of another network or optimizer. */
  restore(state: TrainerState): void {
    this.replicas.restore(state.session);
    this.roundingRandom.state = state.rounding;
    this.lossScale = state.lossScale;
    this.results = state.epochs;
    if (state.masks !== null) this.sparsity?.restore?.(state.masks);
  }

  /** Of a step counted from 0 over all epochs. */
  private learningRateAt(done: number): number {
    const { schedule, epochs, rounds = 1 } = this.options;
    const totalSteps = (epochs * this.stepsPerEpoch) / rounds;
    return learningRateAt({ ...schedule, totalSteps }, done % totalSteps);
  }

  /** One step; where gradients overflowed and it was left out, which scaled losses may, what was found, else null. */
  private step(batchIndex: number): NotFiniteError | null {
    const { options, stepsPerEpoch } = this;
    const done = this.results.length * stepsPerEpoch + batchIndex;
    const settings = {
      learningRate: this.learningRateAt(done),
      momentum: options.momentum,
      weightDecay: options.weightDecay,
      lossScale: this.lossScale?.scale ?? 1,
      batchIndex,
    };
    const { input, target } = this.batches;
    let overflow: NotFiniteError | null = null;
    this.sparsity?.beforeStep?.(this.replicas.session, done);
    try {
      this.replicas.run({ [this.names.input]: input, [this.names.target]: target }, settings);
    } catch (error) {
      if (!(error instanceof NotFiniteError) || options.lossScale === null || options.lossScale.kind === 'static')
        throw error;
      overflow = error;
    }
    if (options.lossScale !== null && this.lossScale !== null)
      this.lossScale = nextLossScale(options.lossScale, this.lossScale, overflow !== null);
    this.sparsity?.afterStep(this.replicas.session, done);
    if (overflow === null) options.afterStep?.(this.replicas.session, done);
    return overflow;
  }
}
