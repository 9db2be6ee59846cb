import { type MapSizes, localResponse, localResponseGradient } from '../../../numerics/ops/local-response.ts';
import { normalise, normaliseGradient, normSizes, normWeightGradient } from '../../../numerics/ops/normalisation.ts';
import { softmax, softmaxGradient } from '../../../numerics/ops/softmax.ts';
import { elements } from '../../../trace/facts.ts';
import type { NormOp, SoftmaxOp } from '../../../trace/trace.ts';
import { misfit, type Runner, shapeOf, type Workspace } from '../workspace.ts';
import { bindOnline } from './online-norm.ts';
import { bindBatchForward, bindRenorm } from './running-norm.ts';
import { bindWeightNorm } from './weight-norm.ts';

export function bindSoftmax(op: SoftmaxOp, workspace: Workspace): Runner {
  const [first, kept] = op.inputs.map((id) => workspace.values[id]!);
  const result = workspace.values[op.outputs[0]!]!;
  if (op.phase !== 'input-gradient') return () => softmax(op.axisLength, first!, result);
  if (kept === undefined) throw misfit(workspace, op);
  return () => softmaxGradient(op.axisLength, first!, kept, result);
}

/** The operands of every form are those of NormOp. Statistics that no result depends on later are computed again going back. */
export function bindNorm(op: NormOp, workspace: Workspace): Runner {
  switch (op.function) {
    case 'local-response':
      return bindLocalResponse(op, workspace);
    case 'weight':
      return bindWeightNorm(op, workspace);
    case 'online':
      return bindOnline(op, workspace);
    case 'batch-renorm':
      return bindRenorm(op, workspace);
    case 'batch':
      return op.phase === 'forward' && op.inputs.length > 3
        ? bindBatchForward(op, workspace)
        : bindOwnStatistics('batch', op, workspace);
    default:
      return bindOwnStatistics(op.function, op, workspace);
  }
}

/** By the mean and variance of the operand alone. */
function bindOwnStatistics(norm: Parameters<typeof normSizes>[0], op: NormOp, workspace: Workspace): Runner {
  const [first, kept, scale] = op.inputs.map((id) => workspace.values[id]!);
  const [result, second] = op.outputs.map((id) => workspace.values[id]!);
  const sizes = normSizes(norm, shapeOf(workspace, op.inputs[0]!));
  const complete = op.phase === 'weight-gradient' ? kept && second : kept && scale;
  if (first === undefined || kept === undefined || result === undefined || !complete) throw misfit(workspace, op);
  if (op.phase === 'weight-gradient') return () => normWeightGradient(sizes, first, kept, result, second!);
  if (op.phase === 'input-gradient') return () => normaliseGradient(sizes, first, kept, scale!, result);
  return () => normalise(sizes, first, kept, scale!, result);
}

function bindLocalResponse(op: NormOp, workspace: Workspace): Runner {
  const [first, operand] = op.inputs.map((id) => workspace.values[id]!);
  const result = workspace.values[op.outputs[0]!]!;
  const [samples, channels, ...image] = shapeOf(workspace, op.inputs[0]!);
  if (image.length !== 2) throw misfit(workspace, op);
  const sizes: MapSizes = { samples: samples!, channels: channels!, positions: elements(image) };
  if (op.phase !== 'input-gradient') return () => localResponse(sizes, first!, result);
  return () => localResponseGradient(sizes, first!, operand!, result);
}
