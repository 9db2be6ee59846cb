import type { Op, TensorId, Trace } from '../../../trace/trace.ts';

/**
 * The trace as the PEs run it: they add updates to the weights themselves, in the machine's one format, and keep no fp32 master copies.
 * The same trace if it has none.
 */
export function withoutMasters(trace: Trace): Trace {
  const weights = new Map<TensorId, TensorId>();
  for (const op of trace.ops)
    if (op.kind === 'update')
      for (const id of op.outputs) if (trace.tensors[id]!.name.endsWith('.master')) weights.set(id, op.outputs[0]!);
  if (weights.size === 0) return trace;
  const ops = trace.ops.map((op): Op => {
    if (op.kind !== 'update') return op;
    return {
      ...op,
      inputs: op.inputs.map((id) => weights.get(id) ?? id),
      outputs: op.outputs.filter((id) => !weights.has(id)),
    };
  });
  return { ...trace, ops };
}
