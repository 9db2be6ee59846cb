import { tensorBytes } from '../../../trace/facts.ts';
import type { TensorId, Trace } from '../../../trace/trace.ts';
import { FreeSpace } from './free-space.ts';
import { type Group, isView } from './groups.ts';

export interface Placement {
  /** Tensors that do not stay in the on-chip buffer. */
  readonly offChip: ReadonlySet<TensorId>;
  /** Highest byte of the buffer in use at any time. */
  readonly peakBytes: number;
  /** Tensors that found no room, largest first. */
  readonly misfits: readonly TensorId[];
  /** Tensors a view is made of (itself if it is none). */
  readonly roots: (id: TensorId) => readonly TensorId[];
}

/** Resolves views (concat, split, reshape) to the tensors that hold their bytes. */
export function viewRoots(trace: Trace): (id: TensorId) => readonly TensorId[] {
  const parts = new Map<TensorId, readonly TensorId[]>();
  for (const op of trace.ops) if (isView(op)) for (const id of op.outputs) parts.set(id, op.inputs);
  const known = new Map<TensorId, readonly TensorId[]>();
  const roots = (id: TensorId): readonly TensorId[] => {
    let found = known.get(id);
    if (found === undefined) {
      found = parts.get(id)?.flatMap(roots) ?? [id];
      known.set(id, found);
    }
    return found;
  };
  return roots;
}

/** Operands that a concatenation puts side by side; none for any other tensor. */
export function concatParts(trace: Trace): (id: TensorId) => readonly TensorId[] {
  const parts = new Map<TensorId, readonly TensorId[]>();
  for (const op of trace.ops) if (op.kind === 'move' && op.function === 'concat') parts.set(op.outputs[0]!, op.inputs);
  return (id) => parts.get(id) ?? [];
}

/** What updates and other ops keep for the next step. */
export function keptTensors({ ops, tensors }: Trace): Set<TensorId> {
  return new Set(ops.flatMap((op) => op.outputs.filter((id) => op.kind === 'update' || tensors[id]!.role === 'state')));
}

/**
 * Allocates every activation of the program in a buffer of `sizeBytes`, first fit, from when it is made (inputs: from the
 * start) to its last use.
 */
export function placeTensors(trace: Trace, groups: readonly Group[], sizeBytes: number): Placement {
  const roots = viewRoots(trace);
  // Weights, and states that an op changes, live in off-chip memory from step to step.
  const kept = keptTensors(trace);
  const lastUse = new Map<TensorId, number>();
  groups.forEach((group, index) => {
    for (const input of group.inputs) for (const id of roots(input)) lastUse.set(id, index);
  });
  trace.tensors.forEach((tensor, output) => {
    if (tensor.role === 'output') for (const id of roots(output)) lastUse.set(id, groups.length);
  });
  const space = new FreeSpace(sizeBytes);
  /** Blocks to give back after each group: offset and length. */
  const expiring: [offset: number, bytes: number][][] = groups.map(() => []);
  const offChip = new Set<TensorId>();
  const allocate = (id: TensorId, now: number): void => {
    const bytes = tensorBytes(trace.tensors[id]!);
    const offset = space.take(bytes);
    if (offset === null) offChip.add(id);
    else expiring[lastUse.get(id) ?? now]?.push([offset, bytes]);
  };
  for (const id of lastUse.keys()) {
    const { role } = trace.tensors[id]!;
    if ((role === 'input' || role === 'state') && !kept.has(id)) allocate(id, 0);
  }
  groups.forEach((group, index) => {
    for (const id of group.outputs) if (!kept.has(id)) allocate(id, index);
    for (const [offset, bytes] of expiring[index]!) space.give(offset, bytes);
  });
  const misfits = [...offChip].sort(
    (left, right) => tensorBytes(trace.tensors[right]!) - tensorBytes(trace.tensors[left]!),
  );
  return { offChip: new Set([...offChip, ...kept]), peakBytes: space.peakBytes, misfits, roots };
}
