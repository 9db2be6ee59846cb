import type { ConvOp, Layout, MatmulOp, TensorId } from '../../trace/trace.ts';
import type { Tape } from '../tape.ts';

function flip(layout: Layout | undefined): Layout {
  return { ...layout, transposed: layout?.transposed !== true };
}

/** C = A B: dA = dC B^T, dB = A^T dC, each written in the layout of the operand it belongs to. */
export function matmulGradient(tape: Tape, op: MatmulOp, gradient: TensorId): void {
  const { batch, m, n, k } = op;
  const [a, b] = op.inputs as [TensorId, TensorId];
  const { builder } = tape;
  const layouts = (left?: Layout, right?: Layout, result?: Layout): Pick<MatmulOp, 'left' | 'right' | 'result'> => ({
    ...(left !== undefined && { left }),
    ...(right !== undefined && { right }),
    ...(result !== undefined && { result }),
  });
  type Sizes = Pick<MatmulOp, 'm' | 'n' | 'k' | 'left' | 'right' | 'result'>;
  const product = (label: string, inputs: TensorId[], sizes: Sizes, like: TensorId): void => {
    const fields = { kind: 'matmul', name: `${op.name}.${label}`, inputs, batch, ...sizes } as const;
    tape.contribute(like, tape.gradientOp(fields, like));
  };
  if (tape.needs(a)) {
    builder.phase = 'input-gradient';
    product('input-gradient', [gradient, b], { m, n: k, k: n, ...layouts(op.result, flip(op.right), op.left) }, a);
  }
  if (tape.needs(b)) {
    // A product of two activations (attention) has two input gradients.
    const phase = builder.tensors[b]!.role === 'weight' ? 'weight-gradient' : 'input-gradient';
    builder.phase = phase;
    product(phase, [a, gradient], { m: k, n, k: m, ...layouts(flip(op.left), op.result, op.right) }, b);
  }
}

/** The dimensions stay those of the forward layer; the phase says which product it is. */
export function convGradient(tape: Tape, op: ConvOp, gradient: TensorId): void {
  const [input, weight] = op.inputs as [TensorId, TensorId];
  if (tape.needs(input)) {
    tape.builder.phase = 'input-gradient';
    tape.contribute(input, tape.backward(op, [gradient, weight], input));
  }
  tape.builder.phase = 'weight-gradient';
  tape.contribute(weight, tape.backward(op, [input, gradient], weight));
}
