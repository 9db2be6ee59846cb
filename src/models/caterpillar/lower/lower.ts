import type { Trace } from '../../../trace/trace.ts';
import type { CaterpillarProgram } from '../program.ts';
import { type CaterpillarSpec, coreTiming, peCount, ringSpec, wordBytes, wordsA, wordsB } from '../spec.ts';
import { checkMemory, refuseUnsupported } from './checks.ts';
import { type Group, groupOps } from './groups.ts';
import { jobsOf } from './jobs.ts';
import { mapPlans } from './mapping.ts';
import { withoutMasters } from './masters.ts';
import { noteMapping } from './notes.ts';
import { plansOf } from './plans.ts';
import { type Demand, demandOf, placeTensors, type Residency } from './residency.ts';
import { trafficOf } from './traffic.ts';

/**
 * Shares of memory A that may be kept free for blocks that come and go. The more of them, the longer cores can work on what they were
 * given; the fewer, the more stays in the PEs.
 */
const FREE_SHARES = [1 / 4, 1 / 16, 1 / 128];

/** Programs of a trace, of which the fastest is to be run: jobs in the order of its ops. Throws InputError for what the machine cannot run. */
export function lower(spec: CaterpillarSpec, trace: Trace): CaterpillarProgram[] {
  refuseUnsupported(spec, trace);
  const run = withoutMasters(trace);
  const groups = groupOps(run);
  const demand = demandOf(run, groups, spec.core.size);
  checkMemory(spec, run, demand);
  return placements(spec, demand).flatMap((placement) => programs(spec, run, groups, placement));
}

interface Placement {
  readonly freeShare: number;
  readonly residency: Residency;
}

/** Placements that differ: where everything fits, a smaller share is nothing new. */
function placements(spec: CaterpillarSpec, demand: Demand): Placement[] {
  const words = peCount(spec) * wordsA(spec);
  const tried: Placement[] = [];
  for (const freeShare of FREE_SHARES) {
    const residency = placeTensors(demand, Math.floor(words * (1 - freeShare)));
    tried.push({ freeShare, residency });
    if (residency.lastingSpilled + residency.passingSpilled === 0) break;
  }
  return tried;
}

function programs(
  spec: CaterpillarSpec,
  trace: Trace,
  groups: readonly Group[],
  { freeShare, residency }: Placement,
): CaterpillarProgram[] {
  const freeWords = Math.floor(wordsA(spec) - residency.peakWords / peCount(spec));
  const working = { a: Math.max(spec.core.size, freeWords), b: wordsB(spec) };
  const plans = plansOf(trace, groups, residency);
  const traffic = trafficOf(trace, groups, residency);
  const surroundings = { timing: coreTiming(spec), ring: ringSpec(spec), rings: spec.rings, working };
  return mapPlans(spec, surroundings, plans, isPipelined(trace)).map((mapping) => {
    const jobs = jobsOf(spec, trace, plans, traffic, mapping);
    return {
      jobs,
      poolCores: mapping.poolCores,
      freeShare,
      peakUseBytes: residency.peakWords * wordBytes(spec),
      notes: noteMapping(spec, trace, jobs, residency),
    };
  });
}

/** Layers work on different mini-batches at a time. */
function isPipelined({ ops }: Trace): boolean {
  return ops.some((op) => op.kind === 'update' && op.delaySteps !== undefined);
}
