import { elements } from '../../trace/facts.ts';
import type { GatherOp, MoveOp, PoolOp, ReduceOp, TensorId } from '../../trace/trace.ts';
import type { Tape } from '../tape.ts';

/** Maximum: the gradient goes to where the largest operand was, which is found again; average: it is spread. */
export function poolGradient(tape: Tape, op: PoolOp, gradient: TensorId): void {
  const [input] = op.inputs as [TensorId];
  tape.builder.phase = 'input-gradient';
  tape.contribute(input, tape.backward(op, op.function === 'max' ? [gradient, input] : [gradient], input));
}

export function reduceGradient(tape: Tape, op: ReduceOp, gradient: TensorId): void {
  tape.builder.phase = 'input-gradient';
  tape.contribute(op.inputs[0]!, tape.backward(op, [gradient], op.inputs[0]!));
}

/** Every picked row adds its gradient to that row of the table; where nothing else reads the table, only those rows change. */
export function gatherGradient(tape: Tape, op: GatherOp, gradient: TensorId): void {
  const [table, indices] = op.inputs as [TensorId, TensorId];
  tape.builder.phase = 'weight-gradient';
  if (tape.isSparse(table)) tape.contributeRows(table, gradient, indices);
  else tape.contribute(table, tape.backward(op, [gradient, indices], table));
}

/** Data that changed place goes back. */
export function moveGradient(tape: Tape, op: MoveOp, gradients: readonly (TensorId | null)[]): void {
  const { builder } = tape;
  const [input] = op.inputs as [TensorId];
  const gradient = gradients.find((id) => id !== null)!;
  const name = `${op.name}.input-gradient`;
  builder.phase = 'input-gradient';
  switch (op.function) {
    case 'concat':
      return unstack(tape, op, gradient);
    case 'split':
      return join(tape, op, gradients);
    case 'reshape':
    case 'copy':
      return tape.contribute(
        input,
        tape.gradientOp({ kind: 'move', function: 'reshape', name, inputs: [gradient] }, input),
      );
    case 'transpose': {
      const permutation = op.permutation!.map((_, axis) => op.permutation!.indexOf(axis));
      // The forward result may have joined axes; undone they have the lengths of the operand in the new order.
      const lengths = op.permutation!.map((axis) => builder.shape(input)[axis]!);
      const apart =
        builder.shape(gradient).join() === lengths.join()
          ? gradient
          : builder.reshape(`${name}.apart`, gradient, lengths);
      return tape.contribute(
        input,
        tape.gradientOp({ kind: 'move', function: 'transpose', name, inputs: [apart], permutation }, input),
      );
    }
    default:
      return tape.contribute(input, tape.backward(op, [gradient], input));
  }
}

/** The gradient of what was put side by side, cut apart again. */
function unstack(tape: Tape, op: MoveOp, gradient: TensorId): void {
  const { builder } = tape;
  const parts = op.inputs.map((id) => {
    const { name, shape } = builder.tensors[id]!;
    return builder.tensor(`${name}.gradient`, shape, 'gradient', builder.precision.activations);
  });
  const fields = { kind: 'move', function: 'split', axis: op.axis!, start: 0 } as const;
  builder.push({ ...fields, name: `${op.name}.input-gradient`, inputs: [gradient] }, parts);
  op.inputs.forEach((id, index) => {
    if (tape.needs(id)) tape.contribute(id, parts[index]!);
  });
}

/** The gradients of all parts side by side; where parts were never used, each is put among zeros. */
function join(tape: Tape, op: MoveOp, gradients: readonly (TensorId | null)[]): void {
  const { builder } = tape;
  const [input] = op.inputs as [TensorId];
  const shape = builder.shape(input);
  const axis = op.axis!;
  const name = `${op.name}.input-gradient`;
  const known = gradients.filter((id) => id !== null);
  if (
    known.length === gradients.length &&
    known.reduce((sum, id) => sum + elements(builder.shape(id)), 0) === elements(shape)
  ) {
    return tape.contribute(
      input,
      tape.gradientOp({ kind: 'move', function: 'concat', name, inputs: known, axis }, input),
    );
  }
  const perStep = elements(shape) / shape[axis]!;
  let start = op.start ?? 0;
  op.outputs.forEach((output, index) => {
    const part = gradients[index];
    if (part !== null && part !== undefined) {
      tape.contribute(
        input,
        tape.gradientOp({ kind: 'move', function: 'pad', name, inputs: [part], axis, start }, input),
      );
    }
    start += elements(builder.shape(output)) / perStep;
  });
}
