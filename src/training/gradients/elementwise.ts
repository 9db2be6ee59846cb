import type { ElementwiseOp, SoftmaxOp, TensorId } from '../../trace/trace.ts';
import type { Tape } from '../tape.ts';

/** Functions whose derivative follows from their result; of the others the operand is kept. */
const FROM_RESULT: ReadonlySet<string> = new Set(['relu', 'relu6', 'sigmoid', 'tanh', 'exp', 'leaky-relu']);

export function elementwiseGradient(tape: Tape, op: ElementwiseOp, gradient: TensorId): void {
  const { builder } = tape;
  const [first, second] = op.inputs as [TensorId, TensorId?];
  builder.phase = 'input-gradient';
  const pass = (id: TensorId, share: TensorId): void => tape.contribute(id, tape.asShapeOf(share, id, op.name));
  switch (op.function) {
    case 'add':
      for (const id of op.inputs) if (tape.needs(id)) pass(id, gradient);
      return;
    case 'sub':
      if (tape.needs(first)) pass(first, gradient);
      if (second !== undefined && tape.needs(second)) {
        const name = `${op.name}.negated`;
        pass(
          second,
          tape.gradientOp({ kind: 'elementwise', function: 'scale', name, inputs: [gradient], factor: -1 }, gradient),
        );
      }
      return;
    case 'mul':
      op.inputs.forEach((id, index) => {
        const others = op.inputs.filter((_, other) => other !== index);
        if (tape.needs(id)) pass(id, product(tape, `${op.name}.${index}`, gradient, others));
      });
      return;
    case 'bias':
      if (tape.needs(first)) tape.contribute(first, gradient);
      builder.phase = 'weight-gradient';
      return tape.contribute(second!, biasGradient(tape, op, gradient, second!));
    case 'scale':
    case 'mask':
    case 'cast':
    case 'quantize':
      return tape.contribute(first, tape.backward(op, [gradient], first));
    default: {
      const kept = FROM_RESULT.has(op.function) ? op.outputs[0]! : first;
      tape.contribute(first, tape.backward({ ...op, inputs: [] }, [gradient, kept, ...op.inputs.slice(1)], first));
    }
  }
}

function product(tape: Tape, name: string, gradient: TensorId, others: readonly TensorId[]): TensorId {
  return tape.gradientOp({ kind: 'elementwise', function: 'mul', name, inputs: [gradient, ...others] }, gradient);
}

/** A bias got the sum of what every position it was added to gets. */
function biasGradient(tape: Tape, op: ElementwiseOp, gradient: TensorId, bias: TensorId): TensorId {
  const shape = tape.builder.shape(gradient);
  const width = tape.builder.shape(bias).length;
  const ofChannels = shape.length === 4 && width === 1;
  const axes = shape.map((_, axis) => axis).filter((axis) => (ofChannels ? axis !== 1 : axis < shape.length - width));
  return tape.gradientOp(
    { kind: 'reduce', function: 'sum', name: `${op.name}.weight-gradient`, inputs: [gradient], axes },
    bias,
  );
}

export function softmaxGradient(tape: Tape, op: SoftmaxOp, gradient: TensorId): void {
  tape.builder.phase = 'input-gradient';
  tape.contribute(op.inputs[0]!, tape.backward(op, [gradient, op.outputs[0]!], op.inputs[0]!));
}
