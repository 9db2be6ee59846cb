import { ModelBug } from '../errors.ts';
import type { Machine } from '../machine/source.ts';
import type { MachineFacts, Model, PreparedRun } from './model.ts';
import type { Trace } from '../trace/trace.ts';
import { caterpillar } from './caterpillar/model.ts';
import { gpu } from './gpu/model.ts';
import { systolic } from './systolic/model.ts';
import { X86_KIND, type X86Spec, x86Spec } from './x86/spec.ts';

/** Schema of the spec of each kind of machine. */
export const SCHEMAS = {
  [systolic.kind]: systolic.schema,
  [gpu.kind]: gpu.schema,
  [caterpillar.kind]: caterpillar.schema,
  [X86_KIND]: x86Spec,
} as const;

/** A model with a machine's spec filled in. */
export interface BoundModel {
  readonly facts: MachineFacts;
  readonly prepare: (trace: Trace, stages?: readonly Trace[]) => PreparedRun;
}

function bind<Spec>(model: Model<Spec>, machine: Machine): BoundModel {
  const spec = model.schema.parse(machine.spec);
  return { facts: model.facts(spec), prepare: (trace, stages) => model.prepare(spec, trace, stages) };
}

let x86: Model<X86Spec> | null = null;

/**
 * Loads the model of a kind, to be awaited before a machine of that kind is simulated: that of x86 comes with an instruction decoder
 * that takes half a second to load, which the others shall not wait for.
 */
export async function loadModel(kind: string): Promise<void> {
  if (kind !== X86_KIND || x86 !== null) return;
  const [{ x86Model }, { readRecipeTable }] = await Promise.all([
    import('./x86/model.ts'),
    import('../x86-recipes.ts'),
  ]);
  x86 = x86Model((spec) => readRecipeTable(spec, X86_KIND));
}

/**
 * The model that simulates a machine, once `loadModel` has loaded it. The loader has checked the spec against the kind's schema.
 * Throws InputError for a machine that runs no networks.
 */
export function modelOf(machine: Machine): BoundModel {
  switch (machine.kind) {
    case systolic.kind:
      return bind(systolic, machine);
    case gpu.kind:
      return bind(gpu, machine);
    case caterpillar.kind:
      return bind(caterpillar, machine);
    case X86_KIND:
      if (x86 === null) throw new ModelBug('the model of x86 machines was not loaded');
      return bind(x86, machine);
    default:
      throw new ModelBug(`no model for machine kind ${machine.kind}`);
  }
}
