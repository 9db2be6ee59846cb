import { decoders, type FrontEnd, type OnPredecode, predecodeSchedule } from './front-end.ts';
import type { FrontEndFacts } from './program.ts';
import type { X86Spec } from './spec.ts';

/** Part of a loop's path through the front end: from the micro-op cache or through the decoders. */
interface Segment {
  readonly isCached: boolean;
  readonly facts: readonly FrontEndFacts[];
  readonly lines: Lines | null;
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
    lines: group.isCached ? linesOf(group.facts, spec) : null,
    schedule: group.isCached ? new Int32Array(0) : predecodeSchedule(group.facts, 0, 1, spec),
  }));
}

/** What the micro-op cache holds, in order: issue slots and places without, and the line and 32-byte window each is in. */
interface Lines {
  readonly slots: Int32Array;
  readonly line: Int32Array;
  readonly window: Int32Array;
  /** 1: a line that starts the micro-sequencer. */
  readonly isMicrocode: Uint8Array;
}

function linesOf(facts: readonly FrontEndFacts[], spec: X86Spec['frontEnd']): Lines {
  const slots: number[] = [];
  const lines: number[] = [];
  const windows: number[] = [];
  const microcode: number[] = [];
  let line = -1;
  let filled = 0;
  let last = -1;
  for (const one of facts) {
    const need = one.fusedUops + one.extraCacheEntries;
    const window = Math.floor(one.offset / 32);
    if (window !== last || one.isMicrocoded || filled + need > spec.cacheLineUops) {
      line += 1;
      filled = 0;
    }
    last = window;
    filled = one.isMicrocoded ? spec.cacheLineUops : filled + need;
    // Un-lamination and the stack engine make more slots of an entry; a wide immediate takes the place of one.
    const places = one.isMicrocoded ? 1 : one.slots + one.extraCacheEntries;
    for (let place = 0; place < places; place += 1) {
      slots.push(one.isMicrocoded ? one.slots : place < one.slots ? 1 : 0);
      lines.push(line);
      windows.push(window);
      microcode.push(one.isMicrocoded ? 1 : 0);
    }
  }
  return {
    slots: Int32Array.from(slots),
    line: Int32Array.from(lines),
    window: Int32Array.from(windows),
    isMicrocode: Uint8Array.from(microcode),
  };
}

/** Delivers the iterations of a loop. */
export function loopFrontEnd(
  facts: readonly FrontEndFacts[],
  spec: X86Spec['frontEnd'],
  onPredecode: OnPredecode | null,
): FrontEnd {
  const segments = segmentsOf(facts, spec);
  const decode = segments.map((segment) => decoders(segment.facts, spec, true));
  const isWhole = segments.length === 1;
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
  /**
   * Six places a cycle out of at most two lines that follow each other; through the jump only from one half of 64 bytes to
   * the other, and never together with microcode (fitted on loops whose lines hold 6+1 and the like).
   */
  function readLines({ slots, line, window, isMicrocode }: Lines, free: number): number {
    let delivered = 0;
    let lines = 1;
    let current = line[at]!;
    for (let entry = 0; entry < spec.cacheUops; entry += 1) {
      if (line[at] !== current || (entry > 0 && at === 0)) {
        if (lines === 2) break;
        const before = at === 0 ? line.length - 1 : at - 1;
        if (isMicrocode[at] === 1 || isMicrocode[before] === 1) break;
        if (at === 0 && (window[at] === window[before] || window[at]! >> 1 !== window[before]! >> 1)) break;
        lines = 2;
        current = line[at]!;
      }
      if (delivered + slots[at]! > free) break;
      delivered += slots[at]!;
      at += 1;
      if (at < line.length) continue;
      at = 0;
      if (isWhole) continue;
      advance();
      break;
    }
    return delivered;
  }
  return {
    step(free) {
      if (wait > 0) {
        wait -= 1;
        return 0;
      }
      const segment = segments[current]!;
      if (segment.lines !== null) return readLines(segment.lines, free);
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
