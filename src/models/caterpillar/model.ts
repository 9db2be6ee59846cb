import { unitNames, runJobs } from './assemble.ts';
import { componentNames, usesOf } from './count.ts';
import { lower } from './lower/lower.ts';
import type { Model } from '../model.ts';
import { type CaterpillarSpec, caterpillarSpec, peCount } from './spec.ts';

export const caterpillar: Model<CaterpillarSpec> = {
  kind: 'caterpillar',
  schema: caterpillarSpec,
  facts: (spec) => ({
    clockHz: spec.clockMHz * 1e6,
    defaultPrecision: spec.format,
    offChip: { name: spec.memory.name, bytesPerCycle: (spec.memory.bandwidthGBps * 1e3) / spec.clockMHz },
    energy: spec.energy,
  }),
  prepare: (spec, trace) => {
    const { jobs, peakUseBytes, notes } = lower(spec, trace);
    return {
      layout: { units: unitNames(spec), components: componentNames(spec), ops: trace.ops.length },
      uses: usesOf(spec),
      peakMacsPerCycle: peCount(spec),
      run: (observer, { unfolded }) => ({
        cycles: runJobs(spec, jobs, observer, unfolded),
        peakUseBytes: { memoryA: peakUseBytes },
        fusedInto: new Map(jobs.flatMap(({ op, fused }) => fused.map((index) => [index, op] as const))),
        notes,
      }),
    };
  },
};
