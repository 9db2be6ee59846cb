import type { Contractions } from '../../numerics/ops/contraction.ts';
import type { TensorId, Trace } from '../../trace/trace.ts';
import { Session } from '../execute/session.ts';
import { updateParts } from '../execute/update-parts.ts';

export interface ProbeOptions {
  /** A training step of the same network; its batch and optimizer may be others. */
  readonly step: Trace;
  /** Whose weights are looked at, live. */
  readonly weightsOf: Session;
  readonly keep: 'all' | readonly TensorId[];
  readonly seed: number;
  readonly contractions: Contractions;
}

/** A session that computes the gradients of another one's weights and never changes them: its step has no updates. */
export function probe({ step, ...options }: ProbeOptions): Session {
  return new Session({ ...step, ops: step.ops.filter((op) => op.kind !== 'update') }, options);
}

/** The gradient of each weight that is trained as a whole, by the weight's name. */
export function weightGradients({ ops, tensors }: Trace): Map<string, TensorId> {
  const gradients = new Map<string, TensorId>();
  for (const op of ops) {
    if (op.kind !== 'update' || op.sparse) continue;
    const { weight, gradient } = updateParts(op);
    gradients.set(tensors[weight]!.name, gradient);
  }
  return gradients;
}
