import { tensorBytes } from '../../../trace/facts.ts';
import type { TensorId, Trace } from '../../../trace/trace.ts';
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

interface Block {
  readonly offset: number;
  readonly end: number;
  readonly lastUse: number;
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

/**
 * Allocates every activation of the program in a buffer of `sizeBytes`, first fit, from when it is made (inputs: from the
 * start) to its last use.
 */
export function placeTensors(trace: Trace, groups: readonly Group[], sizeBytes: number): Placement {
  const roots = viewRoots(trace);
  const lastUse = new Map<TensorId, number>();
  groups.forEach((group, index) => {
    for (const input of group.inputs) for (const id of roots(input)) lastUse.set(id, index);
  });
  trace.tensors.forEach((tensor, output) => {
    if (tensor.role === 'output') for (const id of roots(output)) lastUse.set(id, groups.length);
  });
  let live: Block[] = [];
  let peakBytes = 0;
  const offChip = new Set<TensorId>();
  const allocate = (id: TensorId, now: number): void => {
    const bytes = tensorBytes(trace.tensors[id]!);
    const offset = firstFit(live, bytes);
    if (offset + bytes > sizeBytes) {
      offChip.add(id);
      return;
    }
    live.push({ offset, end: offset + bytes, lastUse: lastUse.get(id) ?? now });
    live.sort((left, right) => left.offset - right.offset);
    if (offset + bytes > peakBytes) peakBytes = offset + bytes;
  };
  for (const id of lastUse.keys()) {
    const { role } = trace.tensors[id]!;
    if (role === 'input' || role === 'state') allocate(id, 0);
  }
  groups.forEach((group, index) => {
    live = live.filter((block) => block.lastUse >= index);
    allocate(group.output, index);
  });
  const misfits = [...offChip].sort(
    (left, right) => tensorBytes(trace.tensors[right]!) - tensorBytes(trace.tensors[left]!),
  );
  return { offChip, peakBytes, misfits, roots };
}

/** Lowest offset with `bytes` free, given blocks sorted by offset. */
function firstFit(blocks: readonly Block[], bytes: number): number {
  let offset = 0;
  for (const block of blocks) {
    if (block.offset - offset >= bytes) return offset;
    if (block.end > offset) offset = block.end;
  }
  return offset;
}
