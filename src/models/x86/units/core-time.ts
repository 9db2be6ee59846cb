import type { Nest } from '../lower/nest.ts';
import type { SystemSpec } from '../system.ts';
import type { LineCosts } from './line-costs.ts';
import type { Pipeline } from './pipeline.ts';

/** Cycles that one core spends in a loop nest. */
export interface NestTime {
  /** In its pipeline, all data in the first level; ends of loops included. */
  readonly pipelineCycles: number;
  /** More, as it waits for lines and pages. */
  readonly memoryCycles: number;
  /** Cycles that lines of the last level, and of memory, take on their way. */
  readonly l3Cycles: number;
  readonly offChipCycles: number;
}

/** Ends of loops with so many iterations are in the history that branches are predicted by (estimated). */
const LEARNT_ITERATIONS = 32;

/** Time of a loop nest on one core. */
export function nestTime(
  nest: Nest,
  pipeline: Pipeline,
  costs: LineCosts,
  { loopExitCycles, tlb }: SystemSpec,
): NestTime {
  const { code, steps, entries, streams, pageMisses = 0, pageWalks = 0, drainCycles = 0 } = nest;
  let memoryCycles = (pageMisses - pageWalks) * tlb.missCycles + pageWalks * tlb.walkCycles;
  const occupied = [0, 0, 0, 0];
  for (const { lines, level, pattern } of streams) {
    memoryCycles += lines * costs.exposed(level, pattern);
    occupied[level]! += lines * costs.occupied(level, pattern);
  }
  const bodies = steps / code.steps;
  const mispredicted = bodies > LEARNT_ITERATIONS * entries * (code.writtenOut ?? 1) ? entries : 0;
  return {
    pipelineCycles: bodies * pipeline(code).cycles + mispredicted * loopExitCycles + entries * drainCycles,
    memoryCycles,
    l3Cycles: occupied[2]!,
    offChipCycles: occupied[3]!,
  };
}
