import { InputError } from '../errors.ts';
import type { TraceBuilder } from '../trace/builder.ts';
import { elements } from '../trace/facts.ts';
import type { Op, TensorId, Trace } from '../trace/trace.ts';
import { feedbackTensor, takesErrorBack } from './alignment.ts';

/**
 * Puts [samples, classes] x [classes, elements of the layer], the last error times a fixed random matrix, in place of every backward op
 * from `start` on that takes an error through a weight. Each hidden layer's gradient then waits for the last error alone.
 */
export function directFeedback(builder: TraceBuilder, start: number, lastError: TensorId): void {
  const [samples, classes] = builder.shape(lastError) as [number, number];
  for (let index = start; index < builder.ops.length; index++) {
    const op = builder.ops[index]!;
    if (!takesErrorBack(builder, op)) continue;
    const width = elements(builder.shape(op.outputs[0]!)) / samples;
    const weight = op.inputs[1]!;
    const random = feedbackTensor(builder, `${builder.tensors[weight]!.name}.direct`, weight, [classes, width]);
    const { id, name, phase, outputs } = op;
    const sizes = { batch: 1, m: samples, n: width, k: classes };
    builder.ops[index] = { kind: 'matmul', id, name, phase, outputs, inputs: [lastError, random], ...sizes };
  }
}

/**
 * The result [samples, classes] of a network whose layers follow one another: products and convolutions, each with weights of its own,
 * and functions of one operand. In others a layer is no single place that the last error could go to. Throws InputError.
 */
export function chainResult(forward: Trace): TensorId {
  const { tensors, ops } = forward;
  const weights = new Set<TensorId>();
  let before: TensorId | null = null;
  for (const op of ops) {
    const operands = op.inputs.filter((id) => tensors[id]!.role !== 'weight');
    const follows = operands.length === 1 && (before === null || operands[0] === before);
    if (!isChained(op) || !follows) throw refusal(op.name, `${op.kind} on ${operands.length} operands`);
    for (const id of op.inputs) {
      if (weights.has(id)) throw refusal(op.name, 'weights that another layer has too');
      if (tensors[id]!.role === 'weight') weights.add(id);
    }
    before = op.outputs[0]!;
  }
  const result = before === null ? undefined : tensors[before];
  if (before === null || result?.role !== 'output' || result.shape.length !== 2)
    throw refusal(forward.workload.name, `a result of shape [${result?.shape.join(', ') ?? ''}]`);
  return before;
}

function isChained(op: Op): boolean {
  return (
    op.kind === 'conv' ||
    op.kind === 'matmul' ||
    op.kind === 'elementwise' ||
    (op.kind === 'move' && op.function === 'reshape')
  );
}

function refusal(where: string, found: string): InputError {
  return InputError.of(
    where,
    `${found}, with direct feedback`,
    'use a chain of linear and conv layers with functions of one operand that ends in classes, or feedback alignment',
  );
}
