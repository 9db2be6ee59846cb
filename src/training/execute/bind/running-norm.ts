import { normSizes } from '../../../numerics/ops/normalisation.ts';
import {
  channelScratch,
  normaliseBatch,
  normaliseStored,
  renormalise,
  renormaliseAgain,
  renormaliseGradient,
  renormWeightGradient,
  type RunningStatistics,
} from '../../../numerics/ops/running-normalisation.ts';
import type { Values } from '../../../numerics/ops/values.ts';
import type { NormOp } from '../../../trace/trace.ts';
import { misfit, type Runner, shapeOf, type Workspace } from '../workspace.ts';

/** Arrays of so many operands and results. Throws InputError if there are fewer. */
export function normArrays(
  op: NormOp,
  workspace: Workspace,
  inputs: number,
  outputs: number,
): { readonly inputs: readonly Values[]; readonly outputs: readonly Values[] } {
  if (op.inputs.length < inputs || op.outputs.length < outputs) throw misfit(workspace, op);
  return {
    inputs: op.inputs.map((id) => workspace.values[id]!),
    outputs: op.outputs.map((id) => workspace.values[id]!),
  };
}

/** Batch normalisation with running statistics: by those of the batch where it also writes them, else by the stored ones. */
export function bindBatchForward(op: NormOp, workspace: Workspace): Runner {
  const { inputs, outputs } = normArrays(op, workspace, 5, 1);
  const [operand, scale, shift, mean, spread] = inputs as [Values, Values, Values, Values, Values];
  const statistics: RunningStatistics = { mean, spread };
  const sizes = normSizes('batch', shapeOf(workspace, op.inputs[0]!));
  const scratch = channelScratch(sizes.channels);
  const result = outputs[0]!;
  return outputs.length > 1
    ? () => normaliseBatch(sizes, statistics, scratch, operand, scale, shift, result)
    : () => normaliseStored(sizes, 'variance', statistics, scratch, operand, scale, shift, result);
}

export function bindRenorm(op: NormOp, workspace: Workspace): Runner {
  const sizes = normSizes('batch', shapeOf(workspace, op.inputs[0]!));
  const scratch = channelScratch(sizes.channels);
  if (op.phase === 'weight-gradient') {
    const { inputs, outputs } = normArrays(op, workspace, 3, 2);
    const [gradient, operand, corrections] = inputs as [Values, Values, Values];
    const [scaleGradient, shiftGradient] = outputs as [Values, Values];
    return () => renormWeightGradient(sizes, corrections, gradient, operand, scaleGradient, shiftGradient);
  }
  const { inputs, outputs } = normArrays(op, workspace, 4, 1);
  const [first, second, third, fourth] = inputs as [Values, Values, Values, Values];
  const result = outputs[0]!;
  if (op.phase === 'input-gradient')
    return () => renormaliseGradient(sizes, scratch, fourth, first, second, third, result);
  if (inputs.length === 4) return () => renormaliseAgain(sizes, scratch, fourth, first, second, third, result);
  const statistics: RunningStatistics = { mean: fourth, spread: inputs[4]! };
  const corrections = outputs[3];
  if (corrections === undefined)
    return () => normaliseStored(sizes, 'deviation', statistics, scratch, first, second, third, result);
  return () => {
    const { renormRatio: ratio, renormShift: limit } = workspace.settings;
    renormalise(sizes, { ratio, shift: limit }, statistics, scratch, first, second, third, result, corrections);
  };
}
