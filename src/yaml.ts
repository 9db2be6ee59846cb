import { parseDocument } from 'yaml';
import { type Data, isMap } from './data.ts';
import { InputError } from './errors.ts';

/** Longest YAML text; the largest files that ship have some KiB, and parsing time grows with length. */
const MAX_CHARACTERS = 4 * 2 ** 20;
/** Bounds the recursion of parser and checks; machine and network files are a few levels deep. */
const MAX_NESTING = 64;

/**
 * Parses a YAML text. Throws InputError with line and column for every syntax error and duplicate key, and for texts that are
 * too long or nested too deep. `where` names the file or flag.
 */
export function parseYaml(text: string, where: string): Data {
  if (text.length > MAX_CHARACTERS)
    throw InputError.of(where, `has ${text.length} characters`, `YAML files may have at most ${MAX_CHARACTERS}`);
  if (nesting(text) > MAX_NESTING)
    throw InputError.of(where, `is nested more than ${MAX_NESTING} levels deep`, 'machine and network files are flat');
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true, strict: true });
  if (document.errors.length > 0) {
    throw new InputError(
      document.errors.map((error) => ({
        where: error.linePos === undefined ? where : `${where}:${error.linePos[0].line}:${error.linePos[0].col}`,
        found: error.message.split(/ at line \d/)[0]!.replace(/:$/, ''),
        remedy: error.code === 'DUPLICATE_KEY' ? 'keep one of the two' : 'mend the YAML',
      })),
    );
  }
  let data: Data;
  try {
    // Aliases could blow a small file up to gigabytes.
    data = document.toJS({ maxAliasCount: 100 }) as Data;
  } catch {
    throw InputError.of(where, 'too many YAML aliases', 'write the values out');
  }
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
