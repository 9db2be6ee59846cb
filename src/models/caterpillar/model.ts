import { unitNames, runJobs } from './assemble.ts';
import { componentNames, usesOf } from './count.ts';
import { lower } from './lower/lower.ts';
import { noteMasters } from './lower/notes.ts';
import { denseNotes } from '../dense-notes.ts';
import type { Model } from '../model.ts';
import { fastest } from './search.ts';
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
    const program = fastest(spec, lower(spec, trace));
    const { jobs, peakUseBytes, notes } = program;
    return {
      layout: { units: unitNames(spec), components: componentNames(spec), ops: trace.ops.length },
      uses: usesOf(spec),
      peakMacsPerCycle: peCount(spec),
      run: (observer, { unfolded }) => ({
        cycles: runJobs(spec, program, observer, unfolded),
        peakUseBytes: { memoryA: peakUseBytes },
        fusedInto: new Map(jobs.flatMap(({ op, fused }) => fused.map((index) => [index, op] as const))),
        notes: [...notes, ...noteMasters(spec, trace), ...denseNotes(trace)],
      }),
    };
  },
};
