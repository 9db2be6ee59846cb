import type { z } from 'zod';
import type { Data, DataMap } from '../data.ts';
import { InputError } from '../errors.ts';
import { checkSpec } from './check.ts';
import { derive, type Leaf, leavesOf } from './merge.ts';
import { applyOverride, readOverrides } from './override.ts';
import { resolveSources } from './provenance.ts';
import { machineNames, type MachineFile, readChain } from './read.ts';
import type { Machine, Source } from './source.ts';
import { didYouMean } from '../suggest.ts';

/** Schema of the spec of each kind of machine. */
export type Schemas = Readonly<Record<string, z.ZodType>>;

/** A field of a machine with its source; null where none is given (texts and switches need none). */
export interface SourcedField extends Leaf {
  readonly source: Source | null;
}

/** All there is to say of a machine, for display. */
export interface MachineListing {
  readonly machine: Machine;
  /** Names of the machines it extends, the nearest first. */
  readonly extends: readonly string[];
  readonly fields: readonly SourcedField[];
}

interface Resolved {
  readonly machine: Machine;
  readonly chain: readonly MachineFile[];
  readonly leaves: readonly Leaf[];
  readonly sources: ReadonlyMap<string, Source>;
}

function kindOf(chain: readonly MachineFile[]): string | undefined {
  return chain.findLast(({ kind }) => kind !== undefined)?.kind;
}

/** What its own file says; a machine is not what it extends. */
function descriptionOf(chain: readonly MachineFile[]): string {
  const [file, base] = [chain.at(-1)!, chain.at(-2)];
  return file.description ?? (base === undefined ? '' : `${base.name} with changes`);
}

function resolve(nameOrPath: string, sets: readonly string[], schemas: Schemas): Resolved {
  const chain = readChain(nameOrPath);
  const file = chain.at(-1)!;
  const kinds = Object.keys(schemas);
  const kind = kindOf(chain);
  if (kind === undefined) throw InputError.of(`${file.label}: kind`, 'missing', `choose one of ${kinds.join(', ')}`);
  const schema = schemas[kind];
  if (schema === undefined) throw InputError.of(`${file.label}: kind`, `unknown kind ${kind}`, didYouMean(kind, kinds));
  const written = chain.reduce<DataMap>((spec, next) => derive(spec, next.spec), {});
  const overrides = readOverrides(sets, written, schema);
  const placeOf = (keys: readonly string[]): string => {
    const isSet = overrides.some((override) => override.keys.every((key, index) => key === keys[index]));
    return `${isSet ? '--set ' : `${file.label}: `}${keys.join('.')}`;
  };
  const spec = checkSpec(overrides.reduce(applyOverride, written), schema, placeOf);
  const leaves = leavesOf(spec as Data);
  const sources = resolveSources(chain, overrides, leaves);
  const numeric = leaves.filter((leaf) => typeof leaf.value === 'number' && sources.has(leaf.path));
  const machine: Machine = {
    name: file.name,
    kind,
    description: descriptionOf(chain),
    spec,
    sources: Object.fromEntries(numeric.map((leaf) => [leaf.path, sources.get(leaf.path)!])),
    overrides: Object.fromEntries(overrides.map((override) => [override.path, override.value])),
  };
  return { machine, chain, leaves, sources };
}

/**
 * Loads a machine by name (arch/NAME.yaml) or path, follows `extends`, applies `--set path=value` flags and checks the
 * result. `schemas` gives the schema of each kind. `sources` of the result has one entry per number of the spec.
 * Throws InputError with every fault found.
 */
export function loadMachine(nameOrPath: string, sets: readonly string[], schemas: Schemas): Machine {
  return resolve(nameOrPath, sets, schemas).machine;
}

/** Everything about a machine: every field of the resolved spec with its source. Throws as `loadMachine` does. */
export function showMachine(nameOrPath: string, sets: readonly string[], schemas: Schemas): MachineListing {
  const { machine, chain, leaves, sources } = resolve(nameOrPath, sets, schemas);
  return {
    machine,
    extends: chain
      .slice(0, -1)
      .reverse()
      .map((file) => file.name),
    fields: leaves.map((leaf) => ({ ...leaf, source: sources.get(leaf.path) ?? null })),
  };
}

/** The machines that ship. */
export function listMachines(): { name: string; kind: string; description: string }[] {
  return machineNames().map((name) => {
    const chain = readChain(name);
    return { name, kind: kindOf(chain) ?? '', description: descriptionOf(chain) };
  });
}
