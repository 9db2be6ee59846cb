import { elements } from '../../../trace/facts.ts';
import type { TensorId, Trace } from '../../../trace/trace.ts';
import type { Group } from './groups.ts';

/** What lies in the PEs' memories; all else goes through off-chip memory. */
export interface Residency {
  /** Share of a tensor that is there, 0 to 1; of what is not listed, nothing. */
  readonly shares: ReadonlyMap<TensorId, number>;
  /** Most words that are there at a time. */
  readonly peakWords: number;
  /** Words of lasting tensors (weights, what updates keep) and of passing ones that find no room. */
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
 * Lasting tensors first, those that are read most often and of those the smallest; then what passes, from the op that makes it to the last
 * one that reads it, as far as `capacityWords` reaches. What does not fit as a whole is cut: a part of it stays.
 */
export function placeTensors(trace: Trace, groups: readonly Group[], capacityWords: number): Residency {
  const masters = masterCopies(trace);
  const skipped = transient(trace, groups);
  const wordsOf = (id: TensorId): number => elements(trace.tensors[id]!.shape);
  const { uses, firstGroup, lastGroup } = lifetimes(trace, groups);
  const shares = new Map<TensorId, number>();
  let used = 0;
  /** Takes what there is room for; returns those words. */
  const place = (id: TensorId): number => {
    const words = Math.min(wordsOf(id), Math.max(0, Math.floor(capacityWords - used)));
    used += words;
    if (words > 0) shares.set(id, words / wordsOf(id));
    return words;
  };
  let lastingSpilled = 0;
  const lasting = [...uses.keys()]
    .filter((id) => ['weight', 'state'].includes(trace.tensors[id]!.role) && !masters.has(id))
    .sort((left, right) => uses.get(right)! - uses.get(left)! || wordsOf(left) - wordsOf(right));
  for (const id of lasting) lastingSpilled += wordsOf(id) - place(id);
  let peakWords = used;
  let passingSpilled = 0;
  const leaving = new Map<number, number>();
  groups.forEach(({ members }, group) => {
    const here = members.flatMap((index) => [...trace.ops[index]!.inputs, ...trace.ops[index]!.outputs]);
    for (const id of new Set(here)) {
      if (!PASSING.has(trace.tensors[id]!.role) || skipped.has(id) || firstGroup.get(id) !== group) continue;
      const words = place(id);
      passingSpilled += wordsOf(id) - words;
      peakWords = Math.max(peakWords, used);
      const last = lastGroup.get(id)!;
      leaving.set(last, (leaving.get(last) ?? 0) + words);
    }
    used -= leaving.get(group) ?? 0;
  });
  for (const id of [...skipped, ...masters]) shares.set(id, 1);
  return { shares, peakWords, lastingSpilled, passingSpilled };
}

/** How often each tensor is read or written, and the first and the last group that does. */
function lifetimes(trace: Trace, groups: readonly Group[]) {
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
  return { uses, firstGroup, lastGroup };
}
