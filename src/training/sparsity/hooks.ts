import { InputError, ModelBug } from '../../errors.ts';
import { Random } from '../../numerics/random.ts';
import type { Session } from '../execute/session.ts';
import { updateParts } from '../execute/update-parts.ts';
import type { TrainerOptions } from '../trainer.ts';
import { shrinkInputs, shrinkOutputs } from './group-lasso.ts';
import { intersection, type Masks, maskDensity, fullMasks } from './mask.ts';
import { MaskedWeights } from './masked-weights.ts';
import { randomMasks, reallocate } from './reallocate.ts';
import { cubicSparsity, type CubicSchedule, prunesAt } from './schedule.ts';
import type { Criterion } from './selection.ts';
import { readWeights, sizeOf, type WeightLayout } from './weight-layout.ts';

/** What a trainer calls; one object serves one trainer. */
export type SparseTraining = Required<Pick<TrainerOptions, 'onStart' | 'afterStep'>>;

/** Training in which the masks change from step to step. */
export interface ChangingMasks extends SparseTraining {
  readonly masks: Masks;
}

/** Puts masks on at the start and after every step, and then may change them. */
function masked(first: Masks, change: (masked: MaskedWeights, session: Session, step: number) => void): ChangingMasks {
  let weights: MaskedWeights | null = null;
  return {
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
  return masked(first, (weights, session, step) => {
    if ((step + 1) % options.everySteps !== 0 || step + 1 >= options.untilStep) return;
    const values = readWeights(layouts, (name) => session.weight(name));
    weights.replace(reallocate(values, weights.masks, count, random));
  });
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
