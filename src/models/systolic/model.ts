import type { Model } from '../model.ts';
import { eventLayout, runProgram } from './assemble.ts';
import { lower } from './lower/lower.ts';
import { type SystolicSpec, systolicSpec } from './spec.ts';

export const systolic: Model<SystolicSpec> = {
  kind: 'systolic',
  schema: systolicSpec,
  facts: (spec) => ({
    clockHz: spec.clockMHz * 1e6,
    peakMacsPerCycle: (spec.array.rows * spec.array.columns * spec.array.count) / Math.min(...Object.values(spec.array.cyclesPerRow)),
    defaultPrecision: spec.defaultPrecision,
    offChip: { name: spec.memory.name, bytesPerCycle: (spec.memory.bandwidthGBps * 1e3) / spec.clockMHz },
    energy: spec.energy,
  }),
  layout: eventLayout,
  run: (spec, trace, observer, options) => {
    const program = lower(trace, spec);
    const cycles = runProgram(spec, program, observer, options);
    return { cycles, peakUseBytes: program.peakUseBytes, fusedInto: program.fusedInto, notes: program.notes };
  },
};
