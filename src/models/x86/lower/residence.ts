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
 * all cores hold different parts of it. A run follows an equal one, so that what it touches first was touched last in the one before.
 */
export function residences(system: SystemSpec, trace: Trace, groups: readonly Group[]): ReadonlyMap<TensorId, Level>[] {
  const { cores, l2, l3 } = system;
  const capacities = { l2Bytes: cores * l2.sizeKiB * 1024, l3Bytes: (cores * l2.sizeKiB + l3.sizeKiB) * 1024 };
  const bytesOf = (id: TensorId): number => tensorBytes(trace.tensors[id]!);
  const lastTouch = new Map<TensorId, number>();
  let passed = 0;
  const run = (): Map<TensorId, Level>[] =>
    groups.map((group) => {
      const levels = new Map<TensorId, Level>();
      for (const id of touched(trace, group)) {
        const since = lastTouch.get(id);
        const own = bytesOf(id);
        // Never touched: written for the first time, or of the run before this one.
        levels.set(
          id,
          since === undefined
            ? levelOf(capacities, Number.POSITIVE_INFINITY)
            : levelOf(capacities, passed - since + own),
        );
        passed += own;
        lastTouch.set(id, passed);
      }
      return levels;
    });
  run();
  return run();
}
