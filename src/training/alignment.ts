import type { TraceBuilder } from '../trace/builder.ts';
import type { Op, TensorId } from '../trace/trace.ts';

/**
 * What takes a layer's error to the layer before it: its own weights; fixed random values of their shape (feedback alignment, Lillicrap
 * 2016); or, from the network's last error straight to every hidden layer, a fixed random matrix (direct feedback alignment, Nokland 2016).
 */
export const FEEDBACKS = ['backpropagation', 'alignment', 'direct'] as const;
export type Feedback = (typeof FEEDBACKS)[number];

/** End of the names of fixed random tensors: a session fills them once, no update writes them. */
const SUFFIX = '.feedback';

/** Whether a tensor of a trace holds fixed random feedback. */
export function isFeedback({ name, role }: { readonly name: string; readonly role: string }): boolean {
  return role === 'state' && name.endsWith(SUFFIX);
}

/** Ops of the backward pass that take an error through a weight to a layer's operand. */
export function takesErrorBack(builder: TraceBuilder, op: Op): boolean {
  return (
    (op.kind === 'matmul' || op.kind === 'conv') &&
    op.phase === 'input-gradient' &&
    builder.tensors[op.inputs[1]!]!.role === 'weight'
  );
}

/** A feedback tensor in the format of a weight; `name` before the ending differs between methods, so that checkpoints do not mix. */
export function feedbackTensor(
  builder: TraceBuilder,
  name: string,
  weight: TensorId,
  shape: readonly number[],
): TensorId {
  return builder.tensor(`${name}${SUFFIX}`, shape, 'state', builder.tensors[weight]!.dtype);
}

/** Makes the backward ops from `start` on read fixed random tensors in place of weights, one for each weight, of its shape and format. */
export function alignFeedback(builder: TraceBuilder, start: number): void {
  const feedback = new Map<TensorId, TensorId>();
  const { tensors } = builder;
  for (let index = start; index < builder.ops.length; index++) {
    const op = builder.ops[index]!;
    if (!takesErrorBack(builder, op)) continue;
    const [error, weight] = op.inputs as [TensorId, TensorId];
    const random =
      feedback.get(weight) ?? feedbackTensor(builder, tensors[weight]!.name, weight, tensors[weight]!.shape);
    feedback.set(weight, random);
    builder.ops[index] = { ...op, inputs: [error, random] };
  }
}
