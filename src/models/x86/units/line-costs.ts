import type { Level, Pattern } from '../lower/nest.ts';
import type { SystemSpec } from '../system.ts';
import { LINE_BYTES } from './caches.ts';

/** What lines from beyond the first level cost a core. */
export interface LineCosts {
  /** Cycles per line that the pipeline stands still, whatever else it has to do. */
  readonly exposed: (level: Level, pattern: Pattern) => number;
  /** Cycles per line that the way from the last level or from memory is taken; nothing is faster, but computing goes on meanwhile. */
  readonly occupied: (level: Level, pattern: Pattern) => number;
}

/** Patterns of which prefetchers or the kernel itself ask for lines ahead; the others wait for their own misses. */
const FORESEEN: ReadonlySet<Pattern> = new Set<Pattern>(['sequence', 'ahead', 'write', 'stream']);
/** Patterns that leave the pipeline to its work once the line has been asked for. */
const HIDDEN: ReadonlySet<Pattern> = new Set<Pattern>(['ahead', 'write', 'stream']);

/**
 * Costs while `active` cores do the same. A core has so many lines on their way at a time, each as long as the latency, and all cores
 * share the bandwidth. A written line is fetched and written back, unless it is streamed past the caches.
 */
export function lineCosts(system: SystemSpec, active: number): LineCosts {
  const { l2, l3, memory, lineFillBuffers, prefetchedLines, clockMHz } = system;
  const near: Readonly<Record<Pattern, number>> = {
    sequence: l2.sequenceCycles,
    strided: l2.stridedCycles,
    ahead: l2.aheadCycles,
    panel: l2.panelCycles,
    write: l2.writeCycles,
    stream: l2.writeCycles,
  };
  const shareOf = (bytesPerCycle: number): number => (active * LINE_BYTES) / bytesPerCycle;
  const far = {
    2: { share: shareOf(l3.bytesPerCycle), latency: l3.latencyCycles },
    3: { share: shareOf((memory.bandwidthGBps * 1e3) / clockMHz), latency: (memory.latencyNs * clockMHz) / 1e3 },
  } as const;
  const occupied = (level: Level, pattern: Pattern): number => {
    if (level === 1) return 0;
    const { share, latency } = far[level];
    // Stores need no answer from the last level, and streamed ones none from memory.
    if (pattern === 'stream' || (pattern === 'write' && level === 2)) return pattern === 'write' ? 2 * share : share;
    const lines = pattern === 'write' ? 2 : 1;
    return Math.max(latency / (FORESEEN.has(pattern) ? prefetchedLines : lineFillBuffers), lines * share);
  };
  return {
    occupied,
    exposed: (level, pattern) => (level === 1 || HIDDEN.has(pattern) ? near[pattern] : occupied(level, pattern)),
  };
}
