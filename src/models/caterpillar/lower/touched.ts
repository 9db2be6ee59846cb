import { elements } from '../../../trace/facts.ts';
import type { Op, TensorId, Trace } from '../../../trace/trace.ts';

/** Words of a tensor that an op reads or writes: all of it, but of a table only the rows that are picked or changed. */
export function touchedWords({ tensors }: Trace, op: Op, id: TensorId): number {
  const wordsOf = (tensor: TensorId): number => elements(tensors[tensor]!.shape);
  const whole = wordsOf(id);
  if (op.kind === 'gather' && op.phase === 'forward' && id === op.inputs[0])
    return Math.min(whole, wordsOf(op.outputs[0]!));
  if (op.kind === 'update' && op.sparse)
    return Math.min(whole, wordsOf(op.inputs.find((input) => tensors[input]!.role === 'gradient')!));
  return whole;
}
