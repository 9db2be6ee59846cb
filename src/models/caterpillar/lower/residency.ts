import { elements } from '../../../trace/facts.ts';
import type { TensorId, Trace } from '../../../trace/trace.ts';
import type { Group } from './groups.ts';

/** Which tensors lie in the PEs' memories; all others go through off-chip memory. */
export interface Residency {
  readonly onChip: ReadonlySet<TensorId>;
  /** Most words that are there at a time. */
  readonly peakWords: number;
  /** Lasting tensors (weights, what updates keep) and passing ones that find no room, in words. */
  readonly lastingSpilled: number;
  readonly passingSpilled: number;
}

/** Fp32 master copies, which PEs do not keep: they add updates to the weights in the machine's one format. */
export function masterCopies(trace: Trace): ReadonlySet<TensorId> {
  const masters = new Set<TensorId>();
  for (const op of trace.ops)
    if (op.kind === 'update')
      for (const id of op.outputs) if (trace.tensors[id]!.name.endsWith('.master')) masters.add(id);
  return masters;
}

/** Tensors that are there from one op to another; an input from the first op that reads it. */
const PASSING: ReadonlySet<string> = new Set(['input', 'activation', 'gradient']);

/** Tensors of a step that are never stored: what is handed on within a group, and gradients that change a weight in place. */
function transient(trace: Trace, groups: readonly Group[]): ReadonlySet<TensorId> {
  const outside = new Set<TensorId>();
  const within = new Set<TensorId>();
  groups.forEach(({ members }) => {
    const made = new Set(members.flatMap((index) => trace.ops[index]!.outputs));
    for (const index of members) for (const id of trace.ops[index]!.inputs) (made.has(id) ? within : outside).add(id);
  });
  return new Set([...within].filter((id) => !outside.has(id) && trace.tensors[id]!.role !== 'output'));
}

/**
 * Lasting tensors first, those that are read most often for their size first; then what passes, from the op that makes it to the last
 * one that reads it, as far as `capacityWords` reaches.
 */
export function placeTensors(trace: Trace, groups: readonly Group[], capacityWords: number): Residency {
  const masters = masterCopies(trace);
  const skipped = transient(trace, groups);
  const wordsOf = (id: TensorId): number => elements(trace.tensors[id]!.shape);
  const uses = new Map<TensorId, number>();
  const firstGroup = new Map<TensorId, number>();
  const lastGroup = new Map<TensorId, number>();
  groups.forEach(({ members }, group) => {
    for (const index of members)
      for (const id of [...trace.ops[index]!.inputs, ...trace.ops[index]!.outputs]) {
        uses.set(id, (uses.get(id) ?? 0) + 1);
        if (!firstGroup.has(id)) firstGroup.set(id, group);
        lastGroup.set(id, group);
      }
  });
  const onChip = new Set<TensorId>();
  let used = 0;
  let lastingSpilled = 0;
  const lasting = [...uses.keys()]
    .filter((id) => ['weight', 'state'].includes(trace.tensors[id]!.role) && !masters.has(id))
    .sort((left, right) => uses.get(right)! - uses.get(left)! || wordsOf(left) - wordsOf(right));
  for (const id of lasting) {
    if (used + wordsOf(id) > capacityWords) lastingSpilled += wordsOf(id);
    else {
      used += wordsOf(id);
      onChip.add(id);
    }
  }
  let peakWords = used;
  let passingSpilled = 0;
  const leaving = new Map<number, number>();
  groups.forEach(({ members }, group) => {
    const here = members.flatMap((index) => [...trace.ops[index]!.inputs, ...trace.ops[index]!.outputs]);
    for (const id of new Set(here)) {
      if (!PASSING.has(trace.tensors[id]!.role) || skipped.has(id) || firstGroup.get(id) !== group) continue;
      const words = wordsOf(id);
      if (used + words > capacityWords) {
        passingSpilled += words;
        continue;
      }
      used += words;
      peakWords = Math.max(peakWords, used);
      onChip.add(id);
      const last = lastGroup.get(id)!;
      leaving.set(last, (leaving.get(last) ?? 0) + words);
    }
    used -= leaving.get(group) ?? 0;
  });
  for (const id of [...skipped, ...masters]) onChip.add(id);
  return { onChip, peakWords, lastingSpilled, passingSpilled };
}
