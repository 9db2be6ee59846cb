import { decoders, type FrontEnd, type OnPredecode, predecodeSchedule } from './front-end.ts';
import type { FrontEndFacts } from './program.ts';
import type { X86Spec } from './spec.ts';

/** Part of a loop's path through the front end: from the micro-op cache or through the decoders. */
interface Segment {
  readonly isCached: boolean;
  readonly facts: readonly FrontEndFacts[];
  /** Issue slots delivered cycle by cycle (cached). */
  readonly cycles: Int32Array;
  /** Instructions predecoded cycle by cycle (decoded). */
  readonly schedule: Int32Array;
}

/** 32-byte windows that the micro-op cache refuses: too many lines, or a jump that the erratum keeps out. */
function uncachedWindows(facts: readonly FrontEndFacts[], spec: X86Spec['frontEnd']): Set<number> {
  const refused = new Set<number>();
  const pair = facts.at(-1)!;
  const end = pair.offset + pair.length;
  if (spec.jumpErratum && Math.floor(pair.offset / 32) !== Math.floor(end / 32)) {
    refused.add(Math.floor(pair.offset / 32));
    refused.add(Math.floor((end - 1) / 32));
  }
  const used = new Map<number, { lines: number; filled: number }>();
  for (const one of facts) {
    const window = Math.floor(one.offset / 32);
    const state = used.get(window) ?? { lines: 1, filled: 0 };
    const need = one.fusedUops + one.extraCacheEntries;
    if (one.isMicrocoded) {
      state.lines += state.filled > 0 ? 2 : 1;
      state.filled = 0;
    } else if (state.filled + need > spec.cacheLineUops) {
      state.lines += 1;
      state.filled = need;
    } else state.filled += need;
    used.set(window, state);
    if (state.lines > spec.cacheLinesPerWindow) refused.add(window);
  }
  if (spec.cacheRefusalBytes === 64) for (const window of [...refused]) refused.add(window ^ 1);
  return refused;
}

function segmentsOf(facts: readonly FrontEndFacts[], spec: X86Spec['frontEnd']): Segment[] {
  const refused = uncachedWindows(facts, spec);
  const groups: { isCached: boolean; facts: FrontEndFacts[] }[] = [];
  for (const one of facts) {
    const isCached = !refused.has(Math.floor(one.offset / 32));
    const last = groups.at(-1);
    if (last !== undefined && last.isCached === isCached) last.facts.push(one);
    else groups.push({ isCached, facts: [one] });
  }
  return groups.map((group) => ({
    ...group,
    cycles: group.isCached ? cacheCycles(group.facts, spec) : new Int32Array(0),
    schedule: group.isCached ? new Int32Array(0) : predecodeSchedule(group.facts, 0, 1, spec),
  }));
}

/** Issue slots that the micro-op cache delivers cycle by cycle, out of two neighbouring lines if need be. */
function cacheCycles(facts: readonly FrontEndFacts[], spec: X86Spec['frontEnd']): Int32Array {
  const cycles: number[] = [];
  let entries = 0;
  let slots = 0;
  for (const one of facts) {
    const need = one.fusedUops + one.extraCacheEntries;
    if (entries > 0 && entries + need > spec.cacheUops) {
      cycles.push(slots);
      entries = 0;
      slots = 0;
    }
    entries += need;
    slots += one.slots;
  }
  cycles.push(slots);
  return Int32Array.from(cycles);
}

/** Delivers the iterations of a loop. */
export function loopFrontEnd(
  facts: readonly FrontEndFacts[],
  spec: X86Spec['frontEnd'],
  onPredecode: OnPredecode | null,
): FrontEnd {
  const segments = segmentsOf(facts, spec);
  const decode = segments.map((segment) => decoders(segment.facts, spec));
  const isWhole = segments.length === 1;
  const streams = isWhole && segments[0]!.isCached && facts.every((one) => one.extraCacheEntries === 0);
  const isDecoded = isWhole && !segments[0]!.isCached;
  let current = 0;
  let at = 0;
  let queued = 0;
  let decoded = 0;
  let wait = 0;
  // Instructions before the current segment, and predecoded in it.
  let first = 0;
  let predecoded = 0;
  const advance = (): void => {
    first += segments[current]!.facts.length;
    predecoded = 0;
    const was = segments[current]!.isCached;
    current = current + 1 === segments.length ? 0 : current + 1;
    at = 0;
    queued = 0;
    decoded = 0;
    const now = segments[current]!.isCached;
    wait = was && !now ? spec.toDecodersCycles : !was && now ? spec.toCacheCycles : 0;
  };
  return {
    step(free) {
      if (wait > 0) {
        wait -= 1;
        return 0;
      }
      const segment = segments[current]!;
      if (segment.isCached && streams) return Math.min(free, spec.cacheUops);
      if (segment.isCached) {
        const now = segment.cycles[at]!;
        if (now > free) return 0;
        at += 1;
        if (at === segment.cycles.length) advance();
        return now;
      }
      const next = at < segment.schedule.length ? segment.schedule[at]! : 0;
      if (at < segment.schedule.length && queued + next <= spec.instructionQueue) {
        onPredecode?.(first + predecoded, next);
        predecoded += next;
        queued += next;
        at += 1;
        if (isDecoded && at === segment.schedule.length) at = 0;
      }
      const { slots, instructions } = decode[current]!.step(queued, free);
      queued -= instructions;
      decoded += instructions;
      if (!isDecoded && decoded === segment.facts.length && !decode[current]!.isBusy()) advance();
      return slots;
    },
    save(into, start) {
      into[start] = current;
      into[start + 1] = at;
      into[start + 2] = queued;
      into[start + 3] = decoded;
      into[start + 4] = wait;
      return segments[current]!.isCached ? start + 5 : decode[current]!.save(into, start + 5);
    },
  };
}
