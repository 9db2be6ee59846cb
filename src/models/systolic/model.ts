import { ACTIONS } from '../../events/events.ts';
import { denseNotes } from '../dense-notes.ts';
import type { Model } from '../model.ts';
import { runProgram } from './assemble.ts';
import { componentNames } from './lower/builder.ts';
import { lower } from './lower/lower.ts';
import { type SystolicSpec, systolicSpec } from './spec.ts';
import { UNITS } from './units/board.ts';

export const systolic: Model<SystolicSpec> = {
  kind: 'systolic',
  schema: systolicSpec,
  facts: (spec) => ({
    clockHz: spec.clockMHz * 1e6,
    defaultPrecision: spec.defaultPrecision,
    offChip: { name: spec.memory.name, bytesPerCycle: (spec.memory.bandwidthGBps * 1e3) / spec.clockMHz },
    energy: spec.energy,
  }),
  prepare: (spec, trace) => {
    const program = lower(trace, spec);
    const { peakUseBytes, fusedInto, notes } = program;
    const layout = { units: UNITS, components: componentNames(spec), ops: trace.ops.length };
    return {
      layout,
      uses: program.uses.map(({ component, action }) => ({
        component: layout.components[component]!,
        action: ACTIONS[action]!,
      })),
      // That of the fastest format, as utilization is published.
      peakMacsPerCycle:
        (spec.array.rows * spec.array.columns * spec.array.count) / Math.min(...Object.values(spec.array.cyclesPerRow)),
      run: (observer, options) => ({
        cycles: runProgram(spec, program, observer, options),
        peakUseBytes,
        fusedInto,
        notes: [...notes, ...denseNotes(trace)],
      }),
    };
  },
};
