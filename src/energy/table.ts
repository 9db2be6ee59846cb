import { z } from 'zod';
import { InputError } from '../errors.ts';
import { ACTIONS } from '../events/events.ts';
import { dataPath, fileExists, listFolder, readInput } from '../files.ts';
import { checkSpec } from '../machine/check.ts';
import { SOURCE_KINDS } from '../machine/source.ts';
import { parseYaml } from '../yaml.ts';
import { didYouMean } from '../suggest.ts';

/** A price table as its file has it: energies of operations and memories at one node. */
const tableSchema = z.strictObject({
  name: z.string(),
  description: z.string(),
  technologyNm: z.number().gt(0).max(1000),
  /** Energy of one arithmetic operation, pJ. */
  operationsPj: z.record(z.string(), z.number().min(0)),
  /** Actions as sums of operations. */
  actions: z.record(z.string(), z.partialRecord(z.enum(ACTIONS), z.array(z.string()).min(1))),
  /** SRAM by capacity, smallest first: pJ of one access of 64 bits. */
  sram: z.array(z.strictObject({ sizeKiB: z.number().gt(0), accessPj: z.number().gt(0) })).min(2),
  sources: z.record(z.string(), z.strictObject({ kind: z.enum(SOURCE_KINDS), ref: z.string() })),
});
export type EnergyTable = z.infer<typeof tableSchema>;

const BYTES_PER_ACCESS = 8;

/** Names of the price tables that ship. */
export function energyTableNames(): string[] {
  return listFolder(dataPath('arch', 'energy'))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length));
}

/** Loads a price table by name (arch/energy/NAME.yaml) or path. Throws InputError listing what is wrong with it. */
export function loadEnergyTable(nameOrPath: string): EnergyTable {
  const known = loaded.get(nameOrPath);
  if (known !== undefined) return known;
  const table = readEnergyTable(nameOrPath);
  loaded.set(nameOrPath, table);
  return table;
}

/** Tables read so far: a sweep prices thousands of runs with one. */
const loaded = new Map<string, EnergyTable>();

function readEnergyTable(nameOrPath: string): EnergyTable {
  const isPath = /[/\\]|\.ya?ml$/.test(nameOrPath);
  const path = isPath ? nameOrPath : dataPath('arch', 'energy', `${nameOrPath}.yaml`);
  if (!isPath && !fileExists(path)) {
    throw InputError.of(
      'energy.table',
      `there is no price table ${nameOrPath}`,
      didYouMean(nameOrPath, energyTableNames()),
    );
  }
  const label = isPath ? path : `arch/energy/${nameOrPath}.yaml`;
  const table = checkSpec(parseYaml(readInput(path), label), tableSchema, label);
  const operations = Object.keys(table.operationsPj);
  const problems = Object.entries(table.actions).flatMap(([component, actions]) =>
    Object.entries(actions).flatMap(([action, sum]) =>
      sum
        .filter((operation) => table.operationsPj[operation] === undefined)
        .map((operation) => ({
          where: `${label}: actions.${component}.${action}`,
          found: `unknown operation ${operation}`,
          remedy: didYouMean(operation, operations),
        })),
    ),
  );
  if (problems.length > 0) throw new InputError(problems);
  return table;
}

/**
 * Energy per byte of an SRAM of `sizeKiB`, pJ at the table's node: wires grow with the side of the array, so the access energy
 * is interpolated in the square root of the capacity, and continued with the outermost slopes.
 */
export function sramPjPerByte(table: EnergyTable, sizeKiB: number): number {
  const last = table.sram.length - 1;
  const found = table.sram.findIndex((point) => point.sizeKiB >= sizeKiB);
  const upper = found === -1 ? last : Math.max(1, found);
  const low = table.sram[upper - 1]!;
  const high = table.sram[upper]!;
  const share = (Math.sqrt(sizeKiB) - Math.sqrt(low.sizeKiB)) / (Math.sqrt(high.sizeKiB) - Math.sqrt(low.sizeKiB));
  return Math.max(0, low.accessPj + share * (high.accessPj - low.accessPj)) / BYTES_PER_ACCESS;
}
