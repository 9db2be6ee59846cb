import { InputError, ModelBug } from '../../errors.ts';
import type { Contractions } from '../../numerics/ops/contraction.ts';
import { plainContractions } from '../../numerics/ops/plain-contractions.ts';
import type { Values } from '../../numerics/ops/values.ts';
import { Random } from '../../numerics/random.ts';
import type { MatmulOp, TensorId, Trace } from '../../trace/trace.ts';
import { type Checkpoint, restoreTensors } from './checkpoint.ts';
import { NotFiniteError } from './finite.ts';
import { initialise, initialiseFeedback, initialiseStates } from './initialise.ts';
import { type InputList, type Inputs, inputList, setInputs } from './inputs.ts';
import { DEFAULT_SETTINGS, type StepSettings } from './settings.ts';
import { factorsOf, outerProducts } from './outer-product.ts';
import { type Round, StepRunner } from './step-runner.ts';
import { changedStatistics, runningStatistics } from '../statistics.ts';
import { allocateStorage, isLoss, learnedIds, type Storage, weightIds } from './storage.ts';
import type { Workspace } from './workspace.ts';

export interface SessionOptions {
  /** Fixes first weights and dropout. */
  readonly seed: number;
  /** Products and convolutions, and with them the precision of all values; TypeScript in single precision where not given. */
  readonly contractions?: Contractions;
  /** Called with every input, first weight and result, to round it to its tensor's format in place. */
  readonly round?: Round;
  /** Tensors to be read after a run besides inputs, weights, states, outputs and what losses read; their arrays are not shared. */
  readonly keep?: 'all' | readonly TensorId[];
  /** Takes weights and running statistics of the same names from there, the arrays themselves: testing with another trace while training goes on. */
  readonly weightsOf?: Session;
  /** Called when the gradients of a step are there and before its updates: to change them, together with those of others. */
  readonly beforeUpdates?: () => void;
  /** Draws what dropout keeps; a generator of its own, from the seed, where not given. */
  readonly dropout?: Random;
  /** Mini-batches of an epoch, each of which sag remembers; 1 where not given. */
  readonly batchesPerEpoch?: number;
}

/**
 * Runs a trace with values: every op in the trace's own order, so that what is computed is what is simulated. All memory is
 * allocated at the start. The constructor throws InputError if an op cannot run with values.
 */
export class Session {
  private readonly workspace: Workspace;
  private readonly storage: Storage;
  private readonly runner: StepRunner;
  private readonly inputs: InputList;
  private readonly losses: readonly TensorId[];
  private readonly batchesPerEpoch: number;
  /** Running statistics, which a step that is left out has changed already. */
  private readonly changed: readonly TensorId[];

  constructor(
    readonly trace: Trace,
    private readonly options: SessionOptions,
  ) {
    const { seed, weightsOf, batchesPerEpoch = 1, keep = [], contractions = plainContractions() } = options;
    const lent = weightsOf === undefined ? null : (name: string): Values => weightsOf.weight(name);
    this.batchesPerEpoch = batchesPerEpoch;
    const notStored = notStoredIn(trace, options);
    this.storage = allocateStorage(trace, { contractions, keep, lent, batchesPerEpoch, notStored });
    const { values, remembered } = this.storage;
    const factors = new Map([...notStored].map(([id, op]) => [id, factorsOf(op, values)] as const));
    const random = options.dropout ?? Random.named(seed, 'dropout');
    const step = { settings: DEFAULT_SETTINGS, step: 0 };
    this.workspace = {
      trace,
      contractions,
      random,
      kept: new Map(),
      remembered,
      values,
      outerProducts: factors,
      ...step,
    };
    this.inputs = inputList(trace);
    this.changed = changedStatistics(trace);
    this.losses = trace.ops.filter(isLoss).map((op) => op.outputs[0]!);
    this.runner = new StepRunner(this.workspace, options.round ?? null, options.beforeUpdates ?? null);
    for (const id of initialiseFeedback(trace, seed, values)) options.round?.(id, values[id]!);
    initialiseStates(trace, values, new Set(weightsOf === undefined ? [] : learnedIds(trace)));
    if (weightsOf !== undefined) return;
    initialise(trace, seed, values);
    for (const id of weightIds(trace)) options.round?.(id, values[id]!);
  }

  /** Steps done so far. */
  get step(): number {
    return this.workspace.step;
  }

  /** Sum of the losses of the last run; null if the trace has none. */
  get loss(): number | null {
    if (this.losses.length === 0) return null;
    return this.losses.reduce((sum, id) => sum + this.workspace.values[id]![0]!, 0);
  }

  /** The values of a tensor, live: the next run changes them. */
  values(id: TensorId): Values {
    if (!this.storage.readable.has(id))
      throw new ModelBug(`${this.trace.tensors[id]?.name ?? id} is not kept after a run`);
    return this.workspace.values[id]!;
  }

  /** The values of a weight or running statistic by name, live. */
  weight(name: string): Values {
    const id = [...weightIds(this.trace), ...this.trace.ops.flatMap(runningStatistics)].find(
      (one) => this.trace.tensors[one]!.name === name,
    );
    if (id === undefined) throw InputError.of(name, 'no weight of that name', 'use the weights of the same network');
    return this.workspace.values[id]!;
  }

  /**
   * One step: all ops in order. Throws InputError for inputs that do not fit and NotFiniteError for a loss or gradient that is NaN or
   * infinite; neither changes weights, states or the number of steps.
   */
  run(inputs: Inputs, settings: Partial<StepSettings> = {}): void {
    const { workspace, trace } = this;
    const { required, optional } = this.inputs;
    setInputs(this.inputs, trace, inputs, workspace.values);
    for (const id of required.values()) this.options.round?.(id, workspace.values[id]!);
    workspace.settings = { ...DEFAULT_SETTINGS, ...settings };
    if (!(workspace.settings.batchIndex < this.batchesPerEpoch))
      throw InputError.of(
        'batchIndex',
        `${workspace.settings.batchIndex} of ${this.batchesPerEpoch} mini-batches`,
        'count from 0',
      );
    const before = workspace.random.state;
    const statistics = this.changed.map((id) => workspace.values[id]!.slice());
    const restore = (): void => {
      workspace.random.state = before;
      this.changed.forEach((id, index) => workspace.values[id]!.set(statistics[index]!));
    };
    workspace.step++;
    try {
      this.runner.run();
    } catch (error) {
      restore();
      const given = [...required.values(), ...optional.values(), ...weightIds(trace)];
      const located = error instanceof NotFiniteError ? this.runner.locate(error, given) : error;
      restore();
      workspace.step--;
      throw located;
    }
  }

  /** All that has to be kept to go on from here, live; copy it before the next run. */
  checkpoint(): Checkpoint {
    const { step, random, values, remembered, trace } = this.workspace;
    const tensors = new Map<string, Values>();
    trace.tensors.forEach(({ name, role }, id) => {
      if (role === 'weight' || role === 'state') tensors.set(name, values[id]!);
    });
    for (const [id, gradients] of remembered)
      gradients.slice(1).forEach((one, index) => tensors.set(`${trace.tensors[id]!.name}.last.${index + 1}`, one));
    return { step, random: random.state, tensors };
  }

  /** Goes on where a checkpoint was taken. Throws InputError listing tensors that are missing or of another size. */
  restore(checkpoint: Checkpoint): void {
    restoreTensors(checkpoint, this.checkpoint().tensors);
    this.workspace.step = checkpoint.step;
    this.workspace.random.state = checkpoint.random;
  }
}

/** Gradients that nobody looks at between the product that makes them and the update that reads them. */
function notStoredIn(trace: Trace, options: SessionOptions): Map<TensorId, MatmulOp> {
  const { keep = [], round, beforeUpdates, contractions } = options;
  const looked = keep === 'all' || round !== undefined || beforeUpdates !== undefined;
  if (looked || contractions?.descendAlong === undefined) return new Map();
  return new Map([...outerProducts(trace)].filter(([id]) => !keep.includes(id)));
}
