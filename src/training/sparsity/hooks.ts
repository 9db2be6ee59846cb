import { InputError, ModelBug } from '../../errors.ts';
import { Random, type RandomState } from '../../numerics/random.ts';
import type { Checkpoint } from '../execute/checkpoint.ts';
import type { Session } from '../execute/session.ts';
import { updateParts } from '../execute/update-parts.ts';
import type { TrainerOptions } from '../trainer.ts';
import { shrinkInputs, shrinkOutputs } from './group-lasso.ts';
import { frozen } from './lottery.ts';
import { intersection, type Masks, maskDensity, fullMasks } from './mask.ts';
import { MaskedWeights } from './masked-weights.ts';
import { randomMasks, reallocate } from './reallocate.ts';
import { cubicSparsity, type CubicSchedule, prunesAt } from './schedule.ts';
import type { Criterion } from './selection.ts';
import { readWeights, sizeOf, type WeightLayout } from './weight-layout.ts';

/** What a trainer calls; one object serves one trainer. */
export type SparseTraining = Required<Pick<TrainerOptions, 'onStart' | 'afterStep'>>;

/** What sparse training has to keep besides weights, to go on bit for bit. */
export interface MaskState {
  readonly masks: Masks;
  /** null: nothing is drawn by chance. */
  readonly random: RandomState | null;
}

/** Training in which the masks change from step to step. */
export interface ChangingMasks extends SparseTraining {
  readonly masks: Masks;
  /** Called before every step, also before those that are left out. */
  readonly beforeStep?: (session: Session, step: number) => void;
  readonly state: MaskState;
  /** Goes on from a state, after the start and with the session's own state restored. */
  restore(state: MaskState): void;
}

/** Puts masks on at the start and after every step, and then may change them. */
function masked(
  first: Masks,
  change: (masked: MaskedWeights, session: Session, step: number) => void,
  random: Random | null = null,
): ChangingMasks {
  let weights: MaskedWeights | null = null;
  return {
    get state() {
      return { masks: weights?.masks ?? first, random: random?.state ?? null };
    },
    restore: (state) => {
      if (weights === null) throw new ModelBug('a state before the start');
      weights.replace(state.masks);
      if (random !== null && state.random !== null) random.state = state.random;
    },
    onStart: (session) => {
      weights = new MaskedWeights(session, first);
    },
    afterStep: (session, step) => {
      if (weights === null) throw new ModelBug('a step before the start');
      weights.apply();
      change(weights, session, step);
    },
    get masks() {
      return weights?.masks ?? first;
    },
  };
}

/** The same masks from the first step to the last. */
export function withMasks(masks: Masks): ChangingMasks {
  return masked(masks, () => undefined);
}

/** More and more weights are pruned by a criterion, on a schedule; what is pruned stays so. */
export function pruningGradually(
  layouts: readonly WeightLayout[],
  criterion: Criterion,
  schedule: CubicSchedule,
): ChangingMasks {
  return masked(fullMasks(layouts), (weights, session, step) => {
    if (!prunesAt(schedule, step)) return;
    const found = criterion(
      readWeights(layouts, (name) => session.weight(name)),
      1 - cubicSparsity(schedule, step),
    );
    weights.replace(intersection(weights.masks, found));
  });
}

export interface ReallocationOptions {
  /** Share of all weights that exists at any time, first drawn by chance. */
  readonly keep: number;
  /** Share of those that is moved each time. */
  readonly moved: number;
  readonly everySteps: number;
  /** Step from which on nothing moves any more. */
  readonly untilStep: number;
  readonly seed: number;
}

/** Dynamic sparse reparametrisation: few weights from the first step on, the smallest of which are moved now and then. */
export function reallocating(layouts: readonly WeightLayout[], options: ReallocationOptions): ChangingMasks {
  const random = Random.named(options.seed, 'sparse places');
  const first = randomMasks(layouts, options.keep, random);
  const all = layouts.reduce((sum, layout) => sum + sizeOf(layout), 0);
  const count = Math.round(options.moved * maskDensity(first) * all);
  return masked(
    first,
    (weights, session, step) => {
      if ((step + 1) % options.everySteps !== 0 || step + 1 >= options.untilStep) return;
      const values = readWeights(layouts, (name) => session.weight(name));
      weights.replace(reallocate(values, weights.masks, count, random));
    },
    random,
  );
}

export interface RewindingOptions {
  readonly layouts: readonly WeightLayout[];
  readonly criterion: Criterion;
  /** Shares that stay after each round, falling; after the last one the ticket trains one round more. */
  readonly shares: readonly number[];
  readonly roundSteps: number;
}

/** A lottery ticket within one run: after each round of training weights are pruned, and what stays begins again where it first began. */
export function rewinding({ layouts, criterion, shares, roundSteps }: RewindingOptions): ChangingMasks {
  const all = masked(fullMasks(layouts), () => undefined);
  let first: Checkpoint | null = null;
  return {
    onStart: (session) => {
      first = frozen(session.checkpoint());
      all.onStart(session);
    },
    beforeStep: (session, step) => {
      const share = step % roundSteps === 0 ? shares[step / roundSteps - 1] : undefined;
      if (share === undefined || first === null) return;
      const found = criterion(
        readWeights(layouts, (name) => session.weight(name)),
        share,
      );
      session.restore(first);
      all.restore({ masks: intersection(all.masks, found), random: null });
    },
    afterStep: (session, step) => all.afterStep(session, step),
    restore: (state) => all.restore(state),
    get masks() {
      return all.masks;
    },
    get state() {
      return all.state;
    },
  };
}

export interface GroupLassoOptions {
  readonly layouts: readonly WeightLayout[];
  /** Name of the bias that belongs to the outputs of a weight; null: it has none. */
  readonly biasOf: (name: string) => string | null;
  /** Learning rate times strength of the penalty, at a step. */
  readonly amountAt: (step: number) => number;
  /** Whether input channels are groups too; features that are not neighbours of a map count one by one. */
  readonly inputs: boolean;
}

/** Group lasso during training: after each step the channels shrink, until some are zero. Weights must have no master copy. */
export function shrinkingGroups({ layouts, biasOf, amountAt, inputs }: GroupLassoOptions): SparseTraining {
  return {
    onStart: ({ trace }) => {
      const { precision } = trace.workload;
      if (trace.ops.some((op) => op.kind === 'update' && updateParts(op).master !== null))
        throw InputError.of('group lasso', `weights in ${precision} with a master copy`, 'train in fp32');
    },
    afterStep: (session, step) => {
      for (const weight of readWeights(layouts, (name) => session.weight(name))) {
        const bias = biasOf(weight.layout.name);
        shrinkOutputs(weight, bias === null ? null : session.weight(bias), amountAt(step));
        if (inputs) shrinkInputs(weight, amountAt(step));
      }
    },
  };
}
