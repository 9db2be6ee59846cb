import { tensorBytes } from './facts.ts';
import type { TensorId, Trace } from './trace.ts';

/**
 * Most bytes of activations and their gradients that are alive at a time, from the op that makes them to the last one that reads them.
 * Gradients of weights, which wait for their update and are as large as the weights, do not count.
 */
export function peakActivationBytes({ tensors, ops }: Trace): number {
  const lastUse = new Map<TensorId, number>();
  ops.forEach((op, index) => {
    for (const id of [...op.inputs, ...op.outputs]) lastUse.set(id, index);
  });
  const ofWeights = new Set(ops.flatMap((op) => (op.kind === 'update' ? op.inputs : [])));
  const counts = (id: TensorId): boolean =>
    tensors[id]!.role === 'activation' || (tensors[id]!.role === 'gradient' && !ofWeights.has(id));
  let alive = 0;
  let peak = 0;
  ops.forEach((op, index) => {
    for (const id of op.outputs) if (counts(id)) alive += tensorBytes(tensors[id]!);
    if (alive > peak) peak = alive;
    for (const id of new Set([...op.inputs, ...op.outputs]))
      if (counts(id) && lastUse.get(id) === index) alive -= tensorBytes(tensors[id]!);
  });
  return peak;
}
