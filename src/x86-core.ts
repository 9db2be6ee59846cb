import { InputError } from './errors.ts';
import { loadMachine } from './machine/load.ts';
import { SCHEMAS } from './models/registry.ts';
import type { Core } from './models/x86/predict.ts';
import { X86_KIND, x86Spec } from './models/x86/spec.ts';
import { readRecipeTable } from './x86-recipes.ts';

/** The core that a machine of kind x86 describes, with its micro-op tables from arch/x86/. Throws InputError. */
export function loadCore(nameOrPath: string, sets: readonly string[]): Core {
  const machine = loadMachine(nameOrPath, sets, SCHEMAS);
  if (machine.kind !== X86_KIND)
    throw InputError.of(
      '--arch',
      `${machine.name} is a machine of kind ${machine.kind}`,
      'name an x86 core, such as cascadelake',
    );
  const spec = x86Spec.parse(machine.spec);
  return { spec, table: readRecipeTable(spec, machine.name) };
}
