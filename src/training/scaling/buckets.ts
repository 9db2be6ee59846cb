import { tensorBytes } from '../../trace/facts.ts';
import type { TensorId, Trace, UpdateOp } from '../../trace/trace.ts';
import { updateParts } from '../execute/update-parts.ts';

/** Bytes of gradients that travel together: the default of PyTorch's DistributedDataParallel (bucket_cap_mb = 25; Li et al. 2020). */
export const BUCKET_BYTES = 25 * 2 ** 20;

/** The gradient of one weight, where it is made. */
export interface MadeGradient {
  readonly update: UpdateOp;
  readonly gradient: TensorId;
  /** Index of the op that makes it. */
  readonly madeAt: number;
}

/** Gradients that are exchanged together, once the last of them is there. */
export interface Bucket {
  readonly gradients: readonly MadeGradient[];
  readonly bytes: number;
}

/** Gradients of a training step that updates read, in the order in which they are made. */
export function madeGradients({ ops }: Trace): MadeGradient[] {
  const madeAt = new Map<TensorId, number>();
  ops.forEach((op, index) => {
    for (const id of op.outputs) madeAt.set(id, index);
  });
  return ops
    .flatMap((op) => {
      if (op.kind !== 'update') return [];
      const { gradient } = updateParts(op);
      return [{ update: op, gradient, madeAt: madeAt.get(gradient)! }];
    })
    .sort((one, other) => one.madeAt - other.madeAt);
}

/** Fills buckets in the order in which gradients are made; one is closed as soon as it holds `bucketBytes` or more. */
export function bucketsOf(trace: Trace, gradients: readonly MadeGradient[], bucketBytes: number): Bucket[] {
  const buckets: Bucket[] = [];
  let open: MadeGradient[] = [];
  let bytes = 0;
  for (const made of gradients) {
    open.push(made);
    bytes += tensorBytes(trace.tensors[made.gradient]!);
    if (bytes < bucketBytes) continue;
    buckets.push({ gradients: open, bytes });
    [open, bytes] = [[], 0];
  }
  if (open.length > 0) buckets.push({ gradients: open, bytes });
  return buckets;
}
