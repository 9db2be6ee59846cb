import { InputError } from '../errors.ts';
import { dataPath, fileExists, listFolder, readInput } from '../files.ts';
import { parseYaml } from '../yaml.ts';
import { type Network, parseNetwork } from './network.ts';

const ALIASES_FILE = 'aliases.yaml';

/** Names of the networks that ship with the program. */
export function workloadNames(): string[] {
  return listFolder(dataPath('workloads'))
    .filter((file) => file.endsWith('.yaml') && file !== ALIASES_FILE)
    .map((file) => file.slice(0, -5));
}

/**
 * Other names of networks: alias -> name. The file is flat YAML, one `alias: name` a line, and read as such: `accsim resnet` is
 * to start at once, and a second YAML parse would be felt.
 */
export function aliases(): Readonly<Record<string, string>> {
  const lines = readInput(dataPath('workloads', ALIASES_FILE)).split(/\r?\n/);
  const table: Record<string, string> = {};
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [, alias, name] = /^([\w.-]+): ([\w.-]+)$/.exec(line) ?? [];
    if (alias === undefined || name === undefined)
      throw InputError.of(`workloads/${ALIASES_FILE}:${index + 1}`, line, 'write `alias: name`');
    table[alias] = name;
  }
  return table;
}

/** Reads one network file. `where` is how errors name it. Throws InputError. */
export function readNetwork(path: string, where: string): Network {
  return parseNetwork(parseYaml(readInput(path), where), where);
}

/** A network of the catalogue by name or alias, any case; null if there is none. The alias table is read only if needed. */
export function catalogueNetwork(text: string): Network | null {
  const name = text.toLowerCase();
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) return null;
  const direct = shipped(name);
  if (direct !== null) return direct;
  const table = aliases();
  const target = Object.hasOwn(table, name) ? table[name]! : null;
  return target === null ? null : shipped(target);
}

function shipped(name: string): Network | null {
  const file = `${name}.yaml`;
  const path = dataPath('workloads', file);
  return file === ALIASES_FILE || !fileExists(path) ? null : readNetwork(path, `workloads/${file}`);
}
