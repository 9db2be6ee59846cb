import { ModelBug } from '../errors.ts';
import type { Machine } from '../machine/source.ts';
import type { MachineFacts, PreparedRun } from './model.ts';
import type { Trace } from '../trace/trace.ts';
import { systolic } from './systolic/model.ts';

/** Schema of the spec of each kind of machine. */
export const SCHEMAS = { [systolic.kind]: systolic.schema } as const;

/** A model with a machine's spec filled in. */
export interface BoundModel {
  readonly facts: MachineFacts;
  readonly prepare: (trace: Trace) => PreparedRun;
}

/** The model that simulates a machine. The loader has checked the spec against the kind's schema. */
export function modelOf(machine: Machine): BoundModel {
  if (machine.kind !== systolic.kind) throw new ModelBug(`no model for machine kind ${machine.kind}`);
  const spec = systolic.schema.parse(machine.spec);
  return { facts: systolic.facts(spec), prepare: (trace) => systolic.prepare(spec, trace) };
}
