import { ModelBug } from '../errors.ts';
import type { Machine } from '../machine/source.ts';
import type { MachineFacts, Model, PreparedRun } from './model.ts';
import type { Trace } from '../trace/trace.ts';
import { gpu } from './gpu/model.ts';
import { systolic } from './systolic/model.ts';

/** Schema of the spec of each kind of machine. */
export const SCHEMAS = { [systolic.kind]: systolic.schema, [gpu.kind]: gpu.schema } as const;

/** A model with a machine's spec filled in. */
export interface BoundModel {
  readonly facts: MachineFacts;
  readonly prepare: (trace: Trace) => PreparedRun;
}

function bind<Spec>(model: Model<Spec>, machine: Machine): BoundModel {
  const spec = model.schema.parse(machine.spec);
  return { facts: model.facts(spec), prepare: (trace) => model.prepare(spec, trace) };
}

/** The model that simulates a machine. The loader has checked the spec against the kind's schema. */
export function modelOf(machine: Machine): BoundModel {
  switch (machine.kind) {
    case systolic.kind:
      return bind(systolic, machine);
    case gpu.kind:
      return bind(gpu, machine);
    default:
      throw new ModelBug(`no model for machine kind ${machine.kind}`);
  }
}
