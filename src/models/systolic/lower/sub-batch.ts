import type { Op, Tensor, Trace } from '../../../trace/trace.ts';

/**
 * The same run for a part of its batch: every tensor but weights whose first length is a multiple of the batch shrinks with
 * it, and so do the ops that read it. Returns null when an op cannot be cut.
 */
export function withBatch(trace: Trace, batch: number): Trace | null {
  const whole = trace.workload.batch;
  if (batch === whole) return trace;
  const part = (length: number): number => (length / whole) * batch;
  const tensors = trace.tensors.map((tensor): Tensor => {
    const [first, ...rest] = tensor.shape;
    const scales = tensor.role !== 'weight' && first !== undefined && first % whole === 0;
    return scales ? { ...tensor, shape: [part(first), ...rest] } : tensor;
  });
  const ops: Op[] = [];
  for (const op of trace.ops) {
    const cut = cutOp(op, whole, part);
    if (cut === null) return null;
    ops.push(cut);
  }
  return { ...trace, workload: { ...trace.workload, batch }, tensors, ops };
}

function cutOp(op: Op, whole: number, part: (length: number) => number): Op | null {
  switch (op.kind) {
    case 'conv':
      return op.n % whole === 0 ? { ...op, n: part(op.n) } : null;
    case 'matmul':
      // Attention multiplies per sample (batch), everything else has the samples among its rows.
      if (op.batch % whole === 0 && op.batch > 1) return { ...op, batch: part(op.batch) };
      return op.m % whole === 0 ? { ...op, m: part(op.m) } : null;
    case 'gather':
      return op.rows % whole === 0 ? { ...op, rows: part(op.rows) } : null;
    default:
      return op;
  }
}
