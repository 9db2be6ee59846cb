import type { Values } from '../../numerics/ops/values.ts';
import { elements } from '../../trace/facts.ts';
import type { ConvOp, MatmulOp, TensorId, Trace } from '../../trace/trace.ts';

/**
 * Where the elements of a weight lie, matrix or filters alike: tap t of input channel c of output o stands at
 * o * outputStride + c * channelStride + t. A matrix has one tap, its input features are the channels.
 */
export interface WeightLayout {
  readonly name: string;
  readonly outputs: number;
  /** Input channels that each output reads: of its group only, where a convolution has groups. */
  readonly channels: number;
  readonly taps: number;
  readonly outputStride: number;
  readonly channelStride: number;
}

/** A weight as criteria see it. */
export interface Weight {
  readonly layout: WeightLayout;
  readonly values: Values;
}

/** Weights of products and convolutions, which pruning is about; biases, norms and tables are left as they are. */
export function prunableWeights(trace: Trace): WeightLayout[] {
  const layouts = new Map<TensorId, WeightLayout>();
  for (const op of trace.ops) {
    if (op.phase !== 'forward' || (op.kind !== 'matmul' && op.kind !== 'conv')) continue;
    op.inputs.forEach((id, operand) => {
      const { name, role, shape } = trace.tensors[id]!;
      if (role !== 'weight' || layouts.has(id)) return;
      const layout = { name, ...(op.kind === 'conv' ? ofFilters(op) : ofMatrix(op, operand)) };
      if (sizeOf(layout) === elements(shape)) layouts.set(id, layout);
    });
  }
  return [...layouts.values()];
}

export function readWeights(layouts: readonly WeightLayout[], read: (name: string) => Values): Weight[] {
  return layouts.map((layout) => ({ layout, values: read(layout.name) }));
}

/** Elements of a weight. */
export function sizeOf({ outputs, channels, taps }: Pick<WeightLayout, 'outputs' | 'channels' | 'taps'>): number {
  return outputs * channels * taps;
}

function ofFilters({ k, c, groups, r, s }: ConvOp): Omit<WeightLayout, 'name'> {
  const [channels, taps] = [c / groups, r * s];
  return { outputs: k, channels, taps, outputStride: channels * taps, channelStride: taps };
}

/** On the left [m, k], so that a row makes a result; on the right [k, n]; exchanged where it is stored transposed. */
function ofMatrix(op: MatmulOp, operand: number): Omit<WeightLayout, 'name'> {
  const left = operand === 0;
  const [outputs, channels] = [left ? op.m : op.n, op.k];
  const outputsFirst = left !== ((left ? op.left : op.right)?.transposed ?? false);
  const [outputStride, channelStride] = outputsFirst ? [channels, 1] : [1, outputs];
  return { outputs, channels, taps: 1, outputStride, channelStride };
}
