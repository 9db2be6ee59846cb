import { tensorBytes } from '../../../trace/facts.ts';
import type { Group } from '../../../trace/groups.ts';
import type { TensorId, Trace } from '../../../trace/trace.ts';
import { levelOf } from '../units/caches.ts';
import type { SystemSpec } from '../system.ts';
import type { Level } from './nest.ts';

/** Tensors that a group touches, in order. */
function touched(trace: Trace, { members, extraReads, writes }: Group): TensorId[] {
  return [...trace.ops[members[0]!]!.inputs, ...extraReads, ...writes];
}

/**
 * Level in which each group finds each tensor: by the bytes that have passed since it was last touched, its own included. Caches of
 * all cores hold different parts of it. Weights and inputs come from memory; what is written first stays where it fits.
 */
export function residences(system: SystemSpec, trace: Trace, groups: readonly Group[]): ReadonlyMap<TensorId, Level>[] {
  const { cores, l2, l3 } = system;
  const capacities = { l2Bytes: cores * l2.sizeKiB * 1024, l3Bytes: (cores * l2.sizeKiB + l3.sizeKiB) * 1024 };
  const lastTouch = new Map<TensorId, number>();
  let passed = 0;
  return groups.map((group) => {
    const levels = new Map<TensorId, Level>();
    const before = passed;
    const written = new Set(group.writes);
    for (const id of touched(trace, group)) {
      const own = tensorBytes(trace.tensors[id]!);
      const since = lastTouch.get(id) ?? (written.has(id) ? before : null);
      if (!levels.has(id)) levels.set(id, since === null ? 3 : levelOf(capacities, passed - since + own));
      passed += own;
      lastTouch.set(id, passed);
    }
    return levels;
  });
}
