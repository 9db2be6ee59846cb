import { loadMachine } from '../machine/load.ts';
import { modelOf, SCHEMAS } from '../models/registry.ts';
import type { Report } from '../report/report.ts';
import { simulate } from '../simulate.ts';
import { accuracyOf } from '../validate/accuracy.ts';
import { loadTrace, type TraceOptions } from '../workload/load.ts';

export interface SimulationRequest {
  readonly arch: string;
  readonly workload: string;
  readonly sets: readonly string[];
  readonly trace: TraceOptions;
  readonly timeline: boolean;
}

/** Machine, trace and run for one command. Throws InputError. */
export function runSimulation(request: SimulationRequest): { report: Report; timeline: string | null } {
  const machine = loadMachine(request.arch, request.sets, SCHEMAS);
  const trace = loadTrace(request.workload, request.trace, modelOf(machine).facts.defaultPrecision);
  return simulate(machine, trace, { timeline: request.timeline, accuracy: accuracyOf(machine) });
}
