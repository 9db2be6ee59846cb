import { type FrontEnd, fullQueue } from './front-end.ts';
import type { X86Spec } from './spec.ts';

/**
 * A loop that the queue before the renamer keeps and gives again and again, `slots` issue slots an iteration; null: it does not
 * fit, or the core has no such thing.
 */
export function loopStream(slots: number, { frontEnd, renamer }: X86Spec): FrontEnd | null {
  if (frontEnd.loopStream === 'off' || slots > frontEnd.microOpQueue) return null;
  if (frontEnd.loopStream === 'unrolled') return fullQueue;
  let left = slots;
  return {
    step: (free) => {
      const delivered = Math.min(free, left, renamer.slots);
      left -= delivered;
      if (left === 0) left = slots;
      return delivered;
    },
    save: (into, at) => {
      into[at] = left;
      return at + 1;
    },
  };
}
