import type { Level, Pattern } from '../lower/nest.ts';
import type { SystemSpec } from '../system.ts';
import { LINE_BYTES } from './caches.ts';

/** Cycles that a line from a level costs a core beyond what its pipeline needs anyway. */
export type LineCost = (level: Level, pattern: Pattern) => number;

/** Patterns that prefetchers or the kernel itself run ahead of; the others wait for their own misses. */
const FORESEEN: ReadonlySet<Pattern> = new Set<Pattern>(['sequence', 'ahead', 'write']);

/**
 * Costs while `active` cores do the same. Beyond the second level a core has so many lines on their way at a time, each as long as
 * the latency; all cores share the bandwidth. A written line is fetched and written back; stores do not wait for the third level.
 */
export function lineCosts(system: SystemSpec, active: number): LineCost {
  const { l2, l3, memory, lineFillBuffers, prefetchedLines, clockMHz } = system;
  const near: Readonly<Record<Pattern, number>> = {
    sequence: l2.sequenceCycles,
    strided: l2.stridedCycles,
    ahead: l2.aheadCycles,
    panel: l2.panelCycles,
    write: l2.writeCycles,
  };
  const shareOf = (bytesPerCycle: number): number => (active * LINE_BYTES) / bytesPerCycle;
  const l3Share = shareOf(l3.bytesPerCycle);
  const memoryShare = shareOf((memory.bandwidthGBps * 1e3) / clockMHz);
  const memoryLatency = (memory.latencyNs * clockMHz) / 1e3;
  return (level, pattern) => {
    if (level === 1) return near[pattern];
    const inFlight = FORESEEN.has(pattern) ? prefetchedLines : lineFillBuffers;
    if (level === 2) {
      // Stores, and what a kernel has asked for long before, wait for no latency of the last level.
      if (pattern === 'write') return Math.max(l2.writeCycles, 2 * l3Share);
      return pattern === 'ahead' ? Math.max(l2.aheadCycles, l3Share) : Math.max(l3.latencyCycles / inFlight, l3Share);
    }
    return Math.max(memoryLatency / inFlight, pattern === 'write' ? 2 * memoryShare : memoryShare);
  };
}
