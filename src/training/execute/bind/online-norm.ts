import { normSizes } from '../../../numerics/ops/normalisation.ts';
import {
  normaliseOnline,
  normaliseSaved,
  onlineGradient,
  onlineWeightGradient,
} from '../../../numerics/ops/online-normalisation.ts';
import { channelScratch, normaliseStored } from '../../../numerics/ops/running-normalisation.ts';
import type { Values } from '../../../numerics/ops/values.ts';
import type { NormOp } from '../../../trace/trace.ts';
import { type Runner, shapeOf, type Workspace } from '../workspace.ts';
import { normArrays } from './running-norm.ts';

export function bindOnline(op: NormOp, workspace: Workspace): Runner {
  const sizes = normSizes('batch', shapeOf(workspace, op.inputs[0]!));
  if (op.phase === 'weight-gradient') {
    const { inputs, outputs } = normArrays(op, workspace, 3, 2);
    const [gradient, operand, saved] = inputs as [Values, Values, Values];
    return () => onlineWeightGradient(sizes, saved, gradient, operand, outputs[0]!, outputs[1]!);
  }
  if (op.phase === 'input-gradient') {
    const { inputs, outputs } = normArrays(op, workspace, 6, 3);
    const [gradient, operand, scale, saved, alongResult, along1] = inputs as [
      Values,
      Values,
      Values,
      Values,
      Values,
      Values,
    ];
    const errors = { alongResult, along1 };
    return () =>
      onlineGradient(sizes, saved, errors, workspace.settings.lossScale, gradient, operand, scale, outputs[0]!);
  }
  const { inputs, outputs } = normArrays(op, workspace, 4, 1);
  const [operand, scale, shift, fourth] = inputs as [Values, Values, Values, Values];
  const result = outputs[0]!;
  if (inputs.length === 4) return () => normaliseSaved(sizes, fourth, operand, scale, shift, result);
  const statistics = { mean: fourth, spread: inputs[4]! };
  const saved = outputs[3];
  if (saved !== undefined) return () => normaliseOnline(sizes, statistics, operand, scale, shift, result, saved);
  const scratch = channelScratch(sizes.channels);
  return () => normaliseStored(sizes, 'variance', statistics, scratch, operand, scale, shift, result);
}
