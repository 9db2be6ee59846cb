import { InputError } from './errors.ts';
import { dataPath, fileExists, readInput } from './files.ts';
import { loadMachine } from './machine/load.ts';
import { SCHEMAS } from './models/registry.ts';
import type { Core } from './models/x86/predict.ts';
import { portMask } from './models/x86/program.ts';
import { readRecipes } from './models/x86/recipes.ts';
import { X86_KIND, x86Spec } from './models/x86/spec.ts';

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
  const files = spec.uopTables.map((name) => {
    const path = dataPath('arch', 'x86', `${name}.csv`);
    if (!fileExists(path))
      throw InputError.of(
        `${machine.name}: uopTables`,
        `there is no table ${name}`,
        'name a file of arch/x86/ without .csv',
      );
    return { name: `arch/x86/${name}.csv`, text: readInput(path) };
  });
  return { spec, table: readRecipes(files, portMask(spec.backEnd.ports), spec.backEnd.fusesPortsFor512) };
}
