import { loadMachine } from '../machine/load.ts';
import { loadModel, modelOf, SCHEMAS } from '../models/registry.ts';
import type { Report } from '../report/report.ts';
import { named } from '../errors.ts';
import { simulate } from '../simulate.ts';
import { accuracyOf } from '../validate/accuracy.ts';
import { loadTraces, stageOf, type TraceOptions } from '../workload/load.ts';

export interface SimulationRequest {
  readonly arch: string;
  readonly workload: string;
  readonly sets: readonly string[];
  readonly trace: TraceOptions;
  readonly timeline: boolean;
}

/** Machine, trace and run for one command. Throws InputError. */
export async function runSimulation(request: SimulationRequest): Promise<{ report: Report; timeline: string | null }> {
  const machine = loadMachine(request.arch, request.sets, SCHEMAS);
  await loadModel(machine.kind);
  const stages = loadTraces(request.workload, request.trace, modelOf(machine).facts.defaultPrecision);
  const trace = stages[stageOf(request.trace)]!;
  const options = { stages, timeline: request.timeline, accuracy: accuracyOf(machine) };
  const result = named(machine.name, () => simulate(machine, trace, options));
  return { ...result, report: withAllRanks(result.report, request.trace) };
}

/** A rank of data-parallel training has its own samples; its report says how many all of them train. */
function withAllRanks(report: Report, { parallel }: TraceOptions): Report {
  if (parallel?.kind !== 'data') return report;
  const samples = (report.totals.samplesPerSecond * parallel.ranks).toFixed(1);
  return {
    ...report,
    notes: [...report.notes, `All ${parallel.ranks} ranks together: ${samples} samples per second.`],
  };
}
