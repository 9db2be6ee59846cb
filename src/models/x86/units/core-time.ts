import type { Nest } from '../lower/nest.ts';
import type { SystemSpec } from '../system.ts';
import type { LineCost } from './line-costs.ts';
import type { Pipeline } from './pipeline.ts';

/** Ends of loops with so many iterations are in the history that branches are predicted by (estimated). */
const LEARNT_ITERATIONS = 32;

/** Cycles that one core spends in a loop nest. */
export interface NestTime {
  /** In its pipeline, all data in the first level; ends of loops included. */
  readonly pipelineCycles: number;
  /** More, since data come from further away and pages must be found. */
  readonly memoryCycles: number;
}

/** Time of a loop nest on one core: the pipeline's, and what lines and pages cost beyond it. */
export function nestTime(
  nest: Nest,
  pipeline: Pipeline,
  lineCost: LineCost,
  { loopExitCycles, tlb }: SystemSpec,
): NestTime {
  const { code, steps, entries, streams, pageMisses = 0, pageWalks = 0, drainCycles = 0 } = nest;
  let memoryCycles = (pageMisses - pageWalks) * tlb.missCycles + pageWalks * tlb.walkCycles;
  for (const { lines, level, pattern } of streams) memoryCycles += lines * lineCost(level, pattern);
  const bodies = steps / code.steps;
  const mispredicted = bodies > LEARNT_ITERATIONS * entries ? entries : 0;
  return {
    pipelineCycles: bodies * pipeline(code).cycles + mispredicted * loopExitCycles + entries * drainCycles,
    memoryCycles,
  };
}
