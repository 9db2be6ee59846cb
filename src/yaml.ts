import { parseDocument } from 'yaml';
import { InputError } from './errors.ts';
import type { Data } from './data.ts';

/** Parses a YAML file. Throws InputError with line and column for every fault, duplicate keys included. */
export function parseYaml(text: string, where: string): Data {
  // Aliases could blow a small file up to gigabytes.
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
  try {
    return document.toJS({ maxAliasCount: 100 }) as Data;
  } catch {
    throw InputError.of(where, 'too many YAML aliases', 'write the values out');
  }
}
