import { normSizes } from '../../../numerics/ops/normalisation.ts';
import { channelScratch } from '../../../numerics/ops/running-normalisation.ts';
import type { Values } from '../../../numerics/ops/values.ts';
import {
  type ChannelWeights,
  normaliseByWeights,
  normaliseByWeightsGradient,
  weightNormGradient,
} from '../../../numerics/ops/weight-normalisation.ts';
import { elements } from '../../../trace/facts.ts';
import type { NormOp, TensorId } from '../../../trace/trace.ts';
import { misfit, type Runner, shapeOf, type Workspace } from '../workspace.ts';
import { normArrays } from './running-norm.ts';

export function bindWeightNorm(op: NormOp, workspace: Workspace): Runner {
  const sizes = normSizes('batch', shapeOf(workspace, op.inputs[0]!));
  const scratch = channelScratch(sizes.channels);
  const layout = channelWeights(workspace, op.inputs.at(-1)!);
  if (layout.channels !== sizes.channels) throw misfit(workspace, op);
  if (op.phase === 'weight-gradient') {
    const { inputs, outputs } = normArrays(op, workspace, 4, 3);
    const [gradient, operand, scale, weights] = inputs as [Values, Values, Values, Values];
    const results = { scale: outputs[0]!, shift: outputs[1]!, weights: outputs[2]! };
    return () => weightNormGradient(sizes, layout, scratch, gradient, operand, scale, weights, results);
  }
  if (op.phase === 'input-gradient') {
    const { inputs, outputs } = normArrays(op, workspace, 3, 1);
    const [gradient, scale, weights] = inputs as [Values, Values, Values];
    return () => normaliseByWeightsGradient(sizes, layout, scratch, gradient, scale, weights, outputs[0]!);
  }
  const { inputs, outputs } = normArrays(op, workspace, 4, 1);
  const [operand, scale, shift, weights] = inputs as [Values, Values, Values, Values];
  return () => normaliseByWeights(sizes, layout, scratch, operand, scale, shift, weights, outputs[0]!);
}

/** Filters [channels, ...] lie one after the other; matrices [k, channels] have a column a channel, those read transposed a row. */
function channelWeights({ trace }: Workspace, weights: TensorId): ChannelWeights {
  const { shape } = trace.tensors[weights]!;
  const reader = trace.ops.find(({ kind, inputs }) => (kind === 'matmul' || kind === 'conv') && inputs[1] === weights);
  const columns = reader?.kind === 'matmul' && reader.right?.transposed !== true;
  return columns ? { channels: shape[1]!, inner: 1 } : { channels: shape[0]!, inner: elements(shape.slice(1)) };
}
