import { notFinite, NotFiniteError } from '../execute/finite.ts';
import { type Checkpoint, restoreTensors } from '../execute/checkpoint.ts';
import { Session, type SessionOptions } from '../execute/session.ts';
import { DEFAULT_SETTINGS, type StepSettings } from '../execute/settings.ts';
import { weightIds } from '../execute/storage.ts';
import { updateParts } from '../execute/update-parts.ts';
import { plainContractions } from '../../numerics/ops/plain-contractions.ts';
import type { Values } from '../../numerics/ops/values.ts';
import { Random } from '../../numerics/random.ts';
import { changedStatistics } from '../statistics.ts';
import { elements } from '../../trace/facts.ts';
import type { TensorId, Trace } from '../../trace/trace.ts';
import { averageIntoFirst } from './average.ts';
import { compress, sentCount, shareAt, type Unsent } from './compression.ts';
import { checkScaling, isAlone, type Scaling } from './scaling.ts';
import { type StaleWeights, staleWeights } from './stale-weights.ts';

/** Samples of a whole mini-batch, rank after rank. */
export type WholeInputs = Readonly<Record<string, Float32Array | Int32Array | Float64Array>>;

interface Gradient {
  readonly id: TensorId;
  /** The weight's name. */
  readonly name: string;
}

/**
 * Ranks that train one network: each computes the gradients of its part of the mini-batch, all with the same weights; the first one
 * applies their mean. Everything is summed in the order of the ranks, so the same options give the same bits.
 */
export class Replicas {
  /** The first rank, which holds weights and states. */
  readonly session: Session;
  /** The others: the step without its updates, on the first one's weights. */
  private readonly others: readonly Session[];
  private readonly gradients: readonly Gradient[];
  /** By rank, then by gradient. */
  private readonly unsent: readonly (readonly Unsent[])[];
  private readonly stale: StaleWeights | null;
  private readonly results = new Map<TensorId, Values>();
  private settings = DEFAULT_SETTINGS;

  /** `step` is the training step of one rank. Throws InputError if it cannot be trained in this way. */
  constructor(
    private readonly step: Trace,
    private readonly options: SessionOptions,
    private readonly scaling: Scaling,
  ) {
    checkScaling(step, scaling);
    const { ranks, staleness, compression } = scaling;
    const contractions = options.contractions ?? plainContractions();
    this.gradients = step.ops.flatMap((op) => {
      if (op.kind !== 'update') return [];
      const { weight, gradient } = updateParts(op);
      return [{ id: gradient, name: step.tensors[weight]!.name }];
    });
    const alone = isAlone(scaling);
    const keep =
      alone || options.keep === 'all'
        ? (options.keep ?? [])
        : [...(options.keep ?? []), ...this.gradients.map(({ id }) => id)];
    // One generator for all: the ranks drop different elements.
    const shared = { ...options, contractions, keep, dropout: Random.named(options.seed, 'dropout') };
    this.session = new Session(step, { ...shared, ...(!alone && { beforeUpdates: () => this.exchange() }) });
    const withoutUpdates = { ...step, ops: step.ops.filter((op) => op.kind !== 'update') };
    this.others = Array.from(
      { length: ranks - 1 },
      () => new Session(withoutUpdates, { ...shared, weightsOf: this.session }),
    );
    const copy = ({ id }: Gradient): Values => contractions.allocate(elements(step.tensors[id]!.shape));
    this.unsent = Array.from({ length: compression === null ? 0 : ranks }, () =>
      this.gradients.map((gradient) => ({ velocity: copy(gradient), residual: copy(gradient) })),
    );
    const weights = new Map(
      weightIds(step).map((id) => [step.tensors[id]!.name, this.session.weight(step.tensors[id]!.name)]),
    );
    this.stale = staleness === 0 ? null : staleWeights(weights, staleness, contractions.allocate);
  }

  /** Mean over the ranks of the losses of the last step; null if the trace has none. */
  get loss(): number | null {
    const losses = this.ranks().map((session) => session.loss);
    return losses.reduce<number | null>((sum, loss) => (loss === null ? sum : (sum ?? 0) + loss / losses.length), null);
  }

  /** The values of a tensor whose first axis counts samples, of all ranks one after the other; the next call changes them. */
  values(id: TensorId): Values {
    if (this.others.length === 0) return this.session.values(id);
    const each = elements(this.step.tensors[id]!.shape);
    const whole = this.results.get(id) ?? new Float32Array(each * this.scaling.ranks);
    this.results.set(id, whole);
    this.ranks().forEach((session, rank) => whole.set(session.values(id), rank * each));
    return whole;
  }

  /** One step of all ranks. Throws as Session.run does; then nothing has changed. */
  run(inputs: WholeInputs, settings: Partial<StepSettings> = {}): void {
    const { step } = this.session;
    this.settings = { ...DEFAULT_SETTINGS, ...settings };
    if (step === 0) this.stale?.reset();
    this.stale?.recall(step);
    try {
      this.others.forEach((session, index) => session.run(this.part(inputs, index + 1), settings));
      this.session.run(this.part(inputs, 0), settings);
    } catch (error) {
      this.stale?.restore();
      throw error;
    }
    this.stale?.remember(step);
  }

  /** All that has to be kept to go on from here, live. */
  checkpoint(): Checkpoint {
    const checkpoint = this.session.checkpoint();
    return { ...checkpoint, tensors: new Map([...checkpoint.tensors, ...this.ownTensors()]) };
  }

  /** Goes on where a checkpoint was taken. Throws InputError if it is of another network, optimizer or scaling. */
  restore(checkpoint: Checkpoint): void {
    restoreTensors(checkpoint, this.ownTensors());
    this.session.restore(checkpoint);
  }

  private ranks(): readonly Session[] {
    return [this.session, ...this.others];
  }

  private ownTensors(): Map<string, Values> {
    const unsent = this.unsent.flatMap((ofRank, rank) =>
      ofRank.flatMap(({ velocity, residual }, index): [string, Values][] => {
        const name = `${this.gradients[index]!.name}.rank.${rank}`;
        return [
          [`${name}.velocity`, velocity],
          [`${name}.residual`, residual],
        ];
      }),
    );
    return new Map([...(this.stale?.tensors ?? []), ...unsent, ...this.ownStatistics()]);
  }

  /** Running statistics of the ranks but the first, each of which keeps those of its own samples. */
  private ownStatistics(): [string, Values][] {
    const ids = changedStatistics(this.step);
    return this.others.flatMap((session, index) =>
      ids.map((id): [string, Values] => [`${this.step.tensors[id]!.name}.rank.${index + 1}`, session.values(id)]),
    );
  }

  /** A rank's part of what is given for a whole mini-batch. Sizes are checked by the session. */
  private part(inputs: WholeInputs, rank: number): WholeInputs {
    const { ranks } = this.scaling;
    if (ranks === 1) return inputs;
    return Object.fromEntries(
      Object.entries(inputs).map(([name, values]) => {
        const each = values.length / ranks;
        return [name, values.subarray(rank * each, (rank + 1) * each)];
      }),
    );
  }

  /** Between the first rank's gradients and its updates: the present weights come back, the gradients together. */
  private exchange(): void {
    this.stale?.restore();
    const ofRanks = this.gradients.map(({ id }) => this.ranks().map((session) => session.values(id)));
    if (this.scaling.compression !== null) this.compressAll(ofRanks, this.scaling.compression);
    ofRanks.forEach((values, index) => {
      if (values.length === 1) return;
      averageIntoFirst(values);
      this.options.round?.(this.gradients[index]!.id, values[0]!);
    });
  }

  /** Each rank's gradients become what it sends. Nothing changes if one of them is not finite. */
  private compressAll(ofRanks: readonly (readonly Values[])[], compression: NonNullable<Scaling['compression']>): void {
    const { momentum, lossScale } = this.settings;
    // The session has counted this step already.
    const step = this.session.step - 1;
    ofRanks.forEach((values, index) => {
      for (const gradient of values) {
        const found = notFinite(gradient);
        if (found !== null) throw new NotFiniteError(`${this.gradients[index]!.name}.gradient`, step + 1, found);
      }
    });
    const share = shareAt(compression, step);
    ofRanks.forEach((values, index) =>
      values.forEach((gradient, rank) => {
        // What is unsent outlives a loss scale.
        if (lossScale !== 1) for (let at = 0; at < gradient.length; at++) gradient[at] = gradient[at]! / lossScale;
        compress(this.unsent[rank]![index]!, gradient, momentum, sentCount(gradient.length, share), gradient);
        if (lossScale !== 1) for (let at = 0; at < gradient.length; at++) gradient[at] = gradient[at]! * lossScale;
      }),
    );
  }
}
