import type { TraceBuilder } from '../trace/builder.ts';
import type { NormOp, Op, TensorId, Trace } from '../trace/trace.ts';

/** The two running statistics that a normalisation's forward op reads; none for others. */
export function runningStatistics(op: Op): readonly TensorId[] {
  return op.kind === 'norm' && op.phase === 'forward' && keepsStatistics(op) ? op.inputs.slice(3, 5) : [];
}

function keepsStatistics({ function: norm, inputs }: NormOp): boolean {
  return (norm === 'batch' || norm === 'batch-renorm' || norm === 'online') && inputs.length === 5;
}

/** Makes normalisations take the statistics of what they are given, keep the running ones up to date, and leave what going back needs. */
export function writeStatistics(builder: TraceBuilder): void {
  builder.ops.forEach((op, index) => {
    const statistics = runningStatistics(op);
    if (op.kind !== 'norm' || statistics.length === 0) return;
    builder.ops[index] = { ...op, outputs: [...op.outputs, ...statistics, ...saved(builder, op)] };
  });
}

/** batch-renorm: r and d of each channel; online: mean and 1 / deviation that each sample was given. */
function saved(builder: TraceBuilder, op: NormOp): TensorId[] {
  if (op.function === 'batch') return [];
  const channels = builder.shape(op.inputs[1]!);
  const shape = op.function === 'online' ? [2, builder.shape(op.inputs[0]!)[0]!, ...channels] : [2, ...channels];
  return [builder.tensor(`${op.name}.statistics`, shape, 'activation', 'fp32')];
}

/** States a trace reads as statistics and never changes: those of a trained network. */
export function storedStatistics({ ops }: Trace): ReadonlySet<TensorId> {
  const changed = new Set(ops.flatMap((op) => op.outputs));
  return new Set(ops.flatMap(runningStatistics).filter((id) => !changed.has(id)));
}

/** Statistics that a step changes before its gradients are known to be finite. */
export function changedStatistics({ tensors, ops }: Trace): TensorId[] {
  const written = ops.flatMap((op) => (op.kind === 'norm' ? op.outputs : []));
  return [...new Set(written)].filter((id) => tensors[id]!.role === 'state');
}
