import { produce } from 'immer';
import type { z } from 'zod';
import { type Data, type DataMap, isMap } from '../data.ts';
import { InputError, type Problem } from '../errors.ts';
import { childSchema, knownKeys, takesAnyKey } from './schema.ts';
import { didYouMean, suggestion } from '../suggest.ts';
import { parseYaml } from '../yaml.ts';

/** One `--set path=value`: the keys that the dotted path means, and the value. */
export interface Override {
  readonly path: string;
  readonly keys: readonly string[];
  readonly value: Data;
}

/** Reads `--set` flags against a spec and its schema. Throws InputError with every flag at fault. */
export function readOverrides(sets: readonly string[], spec: DataMap, schema: z.ZodType): Override[] {
  const problems: Problem[] = [];
  const overrides: Override[] = [];
  let current = spec;
  for (const set of sets) {
    try {
      const override = readOverride(set, current, schema);
      overrides.push(override);
      current = applyOverride(current, override);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new InputError(problems);
  return overrides;
}

function readOverride(set: string, spec: DataMap, schema: z.ZodType): Override {
  const equals = set.indexOf('=');
  if (equals <= 0)
    throw InputError.of(`--set ${set}`, 'is not of the form path=value', 'write for example --set clockMHz=1050');
  const path = set.slice(0, equals);
  const keys = keysOf(path, spec, schema);
  return { path, keys, value: parseYaml(set.slice(equals + 1), `--set ${set}`) };
}

/** Splits a dotted path into keys; keys may hold dots themselves (`energy.pricesPj.array.mac.int8`). */
function keysOf(path: string, spec: DataMap, root: z.ZodType): string[] {
  const keys: string[] = [];
  let schema: z.ZodType | undefined = root;
  let value: Data | undefined = spec;
  let rest = path;
  while (rest !== '') {
    const candidates: string[] = [
      ...new Set([
        ...(schema === undefined ? [] : knownKeys(schema, value)),
        ...(isMap(value) ? Object.keys(value) : []),
      ]),
    ];
    const matches: string[] = candidates.filter((key) => rest === key || rest.startsWith(`${key}.`));
    let key: string | undefined = matches.sort((left, right) => right.length - left.length)[0];
    const first = rest.split('.')[0]!;
    if (
      key === undefined &&
      schema !== undefined &&
      takesAnyKey(schema, value) &&
      first !== '' &&
      first !== '__proto__'
    )
      key = first;
    if (key === undefined) throw unknownPath(path, keys, first, candidates, spec);
    keys.push(key);
    schema = schema === undefined ? undefined : childSchema(schema, value, key);
    value = isMap(value) ? value[key] : undefined;
    rest = rest === key ? '' : rest.slice(key.length + 1);
    if (rest === '' && path.endsWith('.')) throw unknownPath(path, keys, '', [], spec);
  }
  return keys;
}

function unknownPath(
  path: string,
  prefix: readonly string[],
  key: string,
  candidates: readonly string[],
  spec: DataMap,
): InputError {
  const full = (last: string): string => [...prefix, last].join('.');
  const where = `--set ${path}`;
  if (candidates.length === 0)
    return InputError.of(where, 'there is no such field', `${prefix.join('.')} has no fields of its own`);
  const best = suggestion(key, candidates);
  if (best !== null) return InputError.of(where, 'there is no such field', `did you mean ${full(best)}?`);
  const elsewhere = findKey(spec, path, '');
  if (elsewhere !== undefined) return InputError.of(where, 'there is no such field', `did you mean ${elsewhere}?`);
  return InputError.of(where, 'there is no such field', didYouMean(key, candidates.map(full)));
}

/** Path of a field somewhere in the spec that ends in what was written (or in a close spelling of it). */
function findKey(value: Data, written: string, path: string): string | undefined {
  if (!isMap(value)) return undefined;
  const best = suggestion(written.split('.').at(-1)!, Object.keys(value));
  if (best !== null && path !== '') return `${path}.${best}`;
  for (const [key, child] of Object.entries(value)) {
    const found = findKey(child, written, path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The spec with one field replaced; sections on the way that are missing or null are made. */
export function applyOverride(spec: DataMap, override: Override): DataMap {
  return produce(spec, (draft) => setAt(draft as Record<string, Data>, override.keys, override.value));
}

function setAt(map: Record<string, Data>, keys: readonly string[], value: Data): void {
  const [key, ...rest] = keys as [string, ...string[]];
  if (rest.length === 0) {
    map[key] = value;
    return;
  }
  if (!isMap(map[key])) map[key] = {};
  setAt(map[key] as Record<string, Data>, rest, value);
}
