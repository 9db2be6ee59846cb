import { InputError } from './errors.ts';
import { dataPath, fileExists, readInput } from './files.ts';
import { portMask } from './models/x86/micro-ops.ts';
import { type RecipeTable, readRecipes } from './models/x86/recipes.ts';
import type { X86Spec } from './models/x86/spec.ts';

/** The micro-op tables of a core, from arch/x86/. Throws InputError for a table that is not there. */
export function readRecipeTable(spec: X86Spec, machine: string): RecipeTable {
  const files = spec.uopTables.map((name) => {
    const path = dataPath('arch', 'x86', `${name}.csv`);
    if (!fileExists(path))
      throw InputError.of(
        `${machine}: uopTables`,
        `there is no table ${name}`,
        'name a file of arch/x86/ without .csv',
      );
    return { name: `arch/x86/${name}.csv`, text: readInput(path) };
  });
  return readRecipes(files, portMask(spec.backEnd.ports), spec.backEnd.fusesPortsFor512);
}
