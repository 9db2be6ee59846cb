import { type Data, isMap } from '../data.ts';
import { InputError } from '../errors.ts';
import { parseYaml } from '../yaml.ts';

/** Longest machine or price file; real ones have a few KiB, and parsing time grows with length. */
const MAX_CHARACTERS = 2 ** 20;
/** Bounds the recursion of parser and checks; machine files are four or five levels deep. */
const MAX_NESTING = 64;

/** Short form of a value for messages. */
export function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/**
 * Parses the text of a machine file, price table or flag. Throws InputError with line and column for every syntax error and
 * duplicate key, and for files that are too long or nested too deep. `where` names the file or flag.
 */
export function parseMachineYaml(text: string, where: string): Data {
  if (text.length > MAX_CHARACTERS) {
    throw InputError.of(
      where,
      `has ${text.length} characters`,
      `machine files may have at most ${MAX_CHARACTERS} characters`,
    );
  }
  if (nesting(text) > MAX_NESTING)
    throw InputError.of(where, `is nested more than ${MAX_NESTING} levels deep`, 'machine files are flat');
  const data = parseYaml(text, where);
  refusePrototype(data, where);
  return data;
}

/** Upper bound of the nesting of a YAML text: brackets that are open, and the deepest indentation. */
function nesting(text: string): number {
  let open = 0;
  let deepest = 0;
  for (const character of text) {
    if (character === '[' || character === '{') open++;
    else if (character === ']' || character === '}') open--;
    if (open > deepest) deepest = open;
  }
  const levels = /^[ ]*(?:[-?][ ]+)*/gm;
  for (const [start] of text.matchAll(levels)) deepest = Math.max(deepest, start.length);
  return deepest;
}

/** A key that would change an object's prototype is refused. */
function refusePrototype(data: Data, where: string): void {
  if (Array.isArray(data)) for (const item of data) refusePrototype(item, where);
  if (!isMap(data)) return;
  for (const [key, value] of Object.entries(data)) {
    if (key === '__proto__') throw InputError.of(where, 'has a key __proto__', 'remove it');
    refusePrototype(value, where);
  }
}
