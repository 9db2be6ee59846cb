import { ModelBug } from '../../errors.ts';
import type { Op, TensorId } from '../../trace/trace.ts';
import type { Tape } from '../tape.ts';
import { convGradient, matmulGradient } from './contraction.ts';
import { elementwiseGradient, softmaxGradient } from './elementwise.ts';
import { normGradient } from './norm.ts';
import { gatherGradient, moveGradient, poolGradient, reduceGradient } from './placement.ts';

/** Adds the ops that take the gradient of an op's results to its operands. */
export function gradient(tape: Tape, op: Op): void {
  const gradients = op.outputs.map((id) => tape.gradientOf(id));
  const first = gradients.find((id): id is TensorId => id !== null);
  if (first === undefined || !op.inputs.some((id) => tape.needs(id))) return;
  switch (op.kind) {
    case 'matmul':
      return matmulGradient(tape, op, first);
    case 'conv':
      return convGradient(tape, op, first);
    case 'elementwise':
      return elementwiseGradient(tape, op, first);
    case 'norm':
      return normGradient(tape, op, first);
    case 'softmax':
      return softmaxGradient(tape, op, first);
    case 'pool':
      return poolGradient(tape, op, first);
    case 'reduce':
      return reduceGradient(tape, op, first);
    case 'gather':
      return gatherGradient(tape, op, first);
    case 'move':
      return moveGradient(tape, op, gradients);
    default:
      throw new ModelBug(`${op.kind} has no gradient`);
  }
}
