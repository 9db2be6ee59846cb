import type { Model } from '../model.ts';
import { SILENT, STALL_CAUSES } from '../../events/events.ts';
import { runRank, UNITS } from './assemble.ts';
import { componentNames, usesOf } from './count.ts';
import { macsPerCycle } from './lower/gemm.ts';
import { refuseUnmatched } from './lower/communicate.ts';
import { lower } from './lower/lower.ts';
import { overlapNote, patternNotes, stageNotes, transferNotes } from './notes.ts';
import { runTogether } from './stages.ts';
import { type GpuSpec, gpuSpec, operandsOf } from './spec.ts';

export const gpu: Model<GpuSpec> = {
  kind: 'gpu',
  schema: gpuSpec,
  facts: (spec) => ({
    clockHz: spec.clockMHz * 1e6,
    defaultPrecision: spec.defaultPrecision,
    offChip: { name: spec.memory.name, bytesPerCycle: (spec.memory.bandwidthGBps * 1e3) / spec.clockMHz },
    energy: spec.energy,
  }),
  prepare: (spec, trace, stages = [trace]) => {
    refuseUnmatched(stages);
    const programs = stages.map((stage, rank) => lower(spec, stage, rank));
    const rank = stages.indexOf(trace);
    const calls = programs[rank]!.filter((step) => step.kind === 'call');
    const transfers = programs[rank]!.filter((step) => step.kind === 'transfer');
    const maths = new Set(calls.flatMap(({ math }) => (math === null ? [] : [math])));
    return {
      layout: {
        units: transfers.length > 0 ? UNITS : UNITS.slice(0, 1),
        components: componentNames(spec),
        ops: trace.ops.length,
      },
      uses: usesOf(spec, maths, transfers.length > 0),
      peakMacsPerCycle: peakMacsPerCycle(spec, maths),
      run: (observer, options) => {
        const common = { mailbox: new Map(), cache: new Map() };
        const runs = stages.map((stage, index) =>
          runRank(spec, stage, programs[index]!, common, index === rank ? observer : SILENT, options),
        );
        const times = runTogether(runs);
        const cycles = Math.max(...times.map((stage) => stage.cycles));
        const own = times[rank]!;
        // A step has ended when all of its stages have.
        if (own.cycles < cycles) observer.stall(LEAD, trace.ops.length - 1, PIPELINE, own.cycles, cycles - own.cycles);
        return {
          cycles,
          peakUseBytes: {},
          savedMacs: own.savedMacs,
          fusedInto: new Map(calls.flatMap(({ op, fused }) => fused.map((index) => [index, op] as const))),
          notes: [
            ...patternNotes(spec, trace, calls),
            ...stageNotes(times, cycles, spec.clockMHz),
            ...overlapNote(own, transfers, spec.clockMHz),
            ...transferNotes(trace, transfers),
          ],
        };
      },
    };
  },
};

/**
 * The most of all math with operands of these formats, whatever its sums; of any math where a trace multiplies nothing. Zeros of a pattern
 * count as multiplied, as in published peaks, where the trace has any.
 */
function peakMacsPerCycle(spec: GpuSpec, maths: ReadonlySet<string>): number {
  const used = new Set([...maths].map(operandsOf));
  const candidates = Object.entries(spec.math).filter(
    ([name, { sparse }]) =>
      (used.size === 0 || used.has(operandsOf(name))) && (sparse === undefined || maths.has(name)),
  );
  return spec.sms * Math.max(...candidates.map(([, math]) => macsPerCycle(spec, math)));
}

const LEAD = 0;
const PIPELINE = STALL_CAUSES.indexOf('pipeline');
