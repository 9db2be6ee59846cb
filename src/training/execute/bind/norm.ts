import { type MapSizes, localResponse, localResponseGradient } from '../../../numerics/ops/local-response.ts';
import { normalise, normaliseGradient, normSizes, normWeightGradient } from '../../../numerics/ops/normalisation.ts';
import { softmax, softmaxGradient } from '../../../numerics/ops/softmax.ts';
import { elements } from '../../../trace/facts.ts';
import type { NormOp, SoftmaxOp } from '../../../trace/trace.ts';
import { misfit, type Runner, refusal, shapeOf, type Workspace } from '../workspace.ts';

export function bindSoftmax(op: SoftmaxOp, workspace: Workspace): Runner {
  const [first, kept] = op.inputs.map((id) => workspace.values[id]!);
  const result = workspace.values[op.outputs[0]!]!;
  if (op.phase !== 'input-gradient') return () => softmax(op.axisLength, first!, result);
  if (kept === undefined) throw misfit(workspace, op);
  return () => softmaxGradient(op.axisLength, first!, kept, result);
}

/**
 * Forward [operand, scale, shift]; input-gradient [gradient, operand, scale]; weight-gradient [gradient, operand] to those of scale
 * and shift. The backward ops compute the statistics again. batch always takes those of the batch, also when not training.
 */
export function bindNorm(op: NormOp, workspace: Workspace): Runner {
  switch (op.function) {
    case 'batch':
    case 'layer':
    case 'instance':
    case 'group':
      break;
    case 'local-response':
      return bindLocalResponse(op, workspace);
    default:
      throw refusal(op, `${op.function} normalisation`);
  }
  const inputs = op.inputs.map((id) => workspace.values[id]!);
  const [result, second] = op.outputs.map((id) => workspace.values[id]!);
  const [first, kept, scale] = inputs;
  const backward = op.phase === 'input-gradient' || op.phase === 'weight-gradient';
  const sizes = normSizes(op.function, shapeOf(workspace, op.inputs[0]!));
  const complete = op.phase === 'weight-gradient' ? kept && second : kept && scale;
  if (first === undefined || kept === undefined || result === undefined || !complete) throw misfit(workspace, op);
  if (!backward) return () => normalise(sizes, first, kept, scale!, result);
  if (op.phase === 'weight-gradient') return () => normWeightGradient(sizes, first, kept, result, second!);
  return () => normaliseGradient(sizes, first, kept, scale!, result);
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
