import type { NormOp, TensorId } from '../../trace/trace.ts';
import type { Tape } from '../tape.ts';

/** Weights get theirs from one pass over operand and gradient; the operand from another. */
export function normGradient(tape: Tape, op: NormOp, gradient: TensorId): void {
  const [input] = op.inputs as [TensorId];
  const weights = op.inputs.slice(1).filter((id) => tape.builder.tensors[id]!.role === 'weight');
  if (weights.length > 0) weightGradients(tape, op, gradient, weights);
  if (!tape.needs(input)) return;
  const { builder } = tape;
  builder.phase = 'input-gradient';
  if (op.function === 'weight') {
    const [scale, , layer] = weights as [TensorId, TensorId, TensorId];
    return tape.contribute(input, tape.backward(op, [gradient, scale, layer], input));
  }
  const operands = [gradient, input, ...weights.slice(0, 1), ...op.outputs.slice(3)];
  if (op.function !== 'online') return tape.contribute(input, tape.backward(op, operands, input));
  const shape = builder.shape(weights[0]!);
  const errors = ['result-error', 'mean-error'].map((label) =>
    builder.tensor(`${op.name}.${label}`, shape, 'state', 'fp32'),
  );
  tape.contribute(input, tape.backward(op, [...operands, ...errors], input, errors));
}

function weightGradients(tape: Tape, op: NormOp, gradient: TensorId, weights: readonly TensorId[]): void {
  const { builder } = tape;
  builder.phase = 'weight-gradient';
  const gradients = weights.map((id) => {
    const { name, shape } = builder.tensors[id]!;
    return builder.tensor(`${name}.gradient`, shape, 'gradient', builder.precision.activations);
  });
  const needed = op.function === 'weight' ? [weights[0]!, weights[2]!] : op.outputs.slice(3);
  const fields = { kind: 'norm', function: op.function, name: `${op.name}.weight-gradient` } as const;
  builder.push({ ...fields, inputs: [gradient, op.inputs[0]!, ...needed] }, gradients);
  weights.forEach((id, index) => tape.contribute(id, gradients[index]!));
}
