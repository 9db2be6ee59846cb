import type { Model } from '../model.ts';
import { runCalls } from './assemble.ts';
import { componentNames, usesOf } from './count.ts';
import { macsPerCycle } from './lower/gemm.ts';
import { lower } from './lower/lower.ts';
import { type GpuSpec, gpuSpec } from './spec.ts';

export const gpu: Model<GpuSpec> = {
  kind: 'gpu',
  schema: gpuSpec,
  facts: (spec) => ({
    clockHz: spec.clockMHz * 1e6,
    peakMacsPerCycle: spec.sms * Math.max(...Object.values(spec.math).map((math) => macsPerCycle(spec, math))),
    defaultPrecision: spec.defaultPrecision,
    offChip: { name: spec.memory.name, bytesPerCycle: (spec.memory.bandwidthGBps * 1e3) / spec.clockMHz },
    energy: spec.energy,
  }),
  prepare: (spec, trace) => {
    const calls = lower(spec, trace);
    const maths = new Set(calls.flatMap(({ math }) => (math === null ? [] : [math])));
    return {
      layout: { units: ['sm'], components: componentNames(spec), ops: trace.ops.length },
      uses: usesOf(spec, maths),
      run: (observer, options) => ({
        cycles: runCalls(spec, trace, calls, observer, options),
        peakUseBytes: {},
        fusedInto: new Map(calls.flatMap(({ op, fused }) => fused.map((index) => [index, op] as const))),
        notes: [],
      }),
    };
  },
};
