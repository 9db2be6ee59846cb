import type { Trace } from '../../trace/trace.ts';
import { updateParts } from '../execute/update-parts.ts';
import { channelSpaces } from './channel-spaces.ts';
import {
  type ChangingMasks,
  pruningGradually,
  reallocating,
  rewinding,
  shrinkingGroups,
  type SparseTraining,
} from './hooks.ts';
import { magnitude } from './saliency.ts';
import { roundShares } from './schedule.ts';
import { amongAll, type Criterion, criterion, withinEach } from './selection.ts';
import { kernels, ofNeighbours, outputChannels } from './structured.ts';
import { prunableWeights, type WeightLayout } from './weight-layout.ts';

/** How a network becomes sparse while it is trained. Shares, 0 to 1, are of weights that stay. */
export type Pruning =
  | { readonly method: 'magnitude' | 'channels' | 'kernels'; readonly keep: number; readonly times: number }
  | { readonly method: 'nm'; readonly n: number; readonly m: number }
  | { readonly method: 'reallocate'; readonly keep: number }
  | { readonly method: 'lottery'; readonly keep: number; readonly rounds: number }
  | { readonly method: 'lasso'; readonly strength: number };

export interface PlanOptions {
  readonly step: Trace;
  readonly totalSteps: number;
  readonly seed: number;
  readonly learningRateAt: (step: number) => number;
}

/** Sparse training as a trainer takes part in it. Masks, where there are any, are kept with checkpoints. */
export type Sparsity = SparseTraining & Partial<Omit<ChangingMasks, keyof SparseTraining>>;

/** Share of the weights that dynamic reparametrisation moves each time, and how often in a run. */
const MOVED = 0.1;
const MOVES = 40;

/**
 * Weights are pruned from a quarter of the run to three quarters, once in its middle where once is enough; moved ones come to rest after
 * three quarters. A lottery ticket is trained in rounds of equal length, group lasso shrinks channels from the first step to the last.
 */
export function sparsityOf(pruning: Pruning, { step, totalSteps, seed, learningRateAt }: PlanOptions): Sparsity {
  const layouts = prunableWeights(step);
  switch (pruning.method) {
    case 'magnitude':
      return gradually(layouts, criterion(magnitude, amongAll), pruning.keep, pruning.times, totalSteps);
    case 'channels':
      return gradually(
        removable(step, layouts),
        criterion(magnitude, outputChannels),
        pruning.keep,
        pruning.times,
        totalSteps,
      );
    case 'kernels':
      return gradually(layouts, criterion(magnitude, kernels), pruning.keep, pruning.times, totalSteps);
    case 'nm': {
      const { n, m } = pruning;
      return gradually(layouts, criterion(magnitude, ofNeighbours(n, m)), n / m, 1, totalSteps);
    }
    case 'reallocate':
      return reallocating(layouts, {
        keep: pruning.keep,
        moved: MOVED,
        everySteps: Math.max(1, Math.round(totalSteps / MOVES)),
        untilStep: Math.round(0.75 * totalSteps),
        seed,
      });
    case 'lottery':
      return rewinding({
        layouts,
        criterion: criterion(magnitude, withinEach()),
        shares: roundShares(pruning.keep, pruning.rounds),
        roundSteps: totalSteps / (pruning.rounds + 1),
      });
    case 'lasso':
      return shrinkingGroups({
        layouts: removable(step, layouts),
        biasOf: biases(step),
        amountAt: (at) => learningRateAt(at) * pruning.strength,
        inputs: false,
      });
  }
}

function gradually(
  layouts: readonly WeightLayout[],
  rule: Criterion,
  keep: number,
  times: number,
  totalSteps: number,
): ChangingMasks {
  const [first, last] = times === 1 ? [0.5, 0.5] : [0.25, 0.75];
  const [firstStep, lastStep] = [Math.floor(first * totalSteps), Math.floor(last * totalSteps)];
  return pruningGradually(layouts, rule, {
    initialSparsity: 0,
    finalSparsity: 1 - keep,
    firstStep,
    lastStep,
    everySteps: Math.max(1, Math.ceil((lastStep - firstStep) / times)),
  });
}

/** Weights whose outputs are not the network's results. */
function removable(step: Trace, layouts: readonly WeightLayout[]): WeightLayout[] {
  const { made } = channelSpaces(step);
  return layouts.filter(({ name }) => made.get(name)?.space.pinned === false);
}

/** The bias that is added to what a weight makes, by the weight's name. */
function biases({ ops, tensors }: Trace): (name: string) => string | null {
  const trained = new Set(ops.flatMap((op) => (op.kind === 'update' ? [updateParts(op).weight] : [])));
  const names = new Map<string, string>();
  for (const op of ops) {
    if (op.phase !== 'forward' || (op.kind !== 'matmul' && op.kind !== 'conv')) continue;
    const next = ops.find((one) => one.phase === 'forward' && one.inputs[0] === op.outputs[0]);
    const bias = next?.kind === 'elementwise' && next.function === 'bias' ? next.inputs[1]! : null;
    const weight = op.inputs.find((id) => tensors[id]!.role === 'weight');
    if (bias !== null && weight !== undefined && trained.has(bias))
      names.set(tensors[weight]!.name, tensors[bias]!.name);
  }
  return (name) => names.get(name) ?? null;
}
