import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type Data, type DataMap, isMap, show } from '../data.ts';
import { InputError, type Problem } from '../errors.ts';
import { dataPath, fileExists, listFolder, readInput } from '../files.ts';
import { SOURCE_KINDS, type Source } from './source.ts';
import { didYouMean } from '../suggest.ts';
import { parseYaml } from '../yaml.ts';

/** One machine file as written: what it says of itself, the part of the spec it sets, and its sources. */
export interface MachineFile {
  readonly path: string;
  /** How messages name the file. */
  readonly label: string;
  readonly name: string;
  readonly kind: string | undefined;
  readonly description: string | undefined;
  readonly spec: DataMap;
  readonly sources: Readonly<Record<string, Source>>;
}

const MAX_EXTENDS = 8;
const sourceSchema = z.strictObject({ kind: z.enum(SOURCE_KINDS), ref: z.string().min(1) });

/** Names of the machines that ship, sorted. */
export function machineNames(): string[] {
  return listFolder(dataPath('arch'))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length));
}

function isPath(nameOrPath: string): boolean {
  return /[/\\]|\.ya?ml$/.test(nameOrPath);
}

/** Path of the file that a name or path means; relative paths count from `folder`. */
function locate(nameOrPath: string, folder: string, where: string): { path: string; label: string } {
  if (isPath(nameOrPath)) {
    const path = resolve(folder, nameOrPath);
    if (!fileExists(path))
      throw InputError.of(where, `there is no file ${nameOrPath}`, 'check the path, or name a machine that ships');
    return { path, label: nameOrPath };
  }
  const path = dataPath('arch', `${nameOrPath}.yaml`);
  if (nameOrPath === '' || !fileExists(path)) {
    throw InputError.of(where, `there is no machine ${show(nameOrPath)}`, didYouMean(nameOrPath, machineNames()));
  }
  return { path, label: `arch/${nameOrPath}.yaml` };
}

/** A machine file and those it extends, the base first. Throws InputError for unknown names, cycles and chains that are too long. */
export function readChain(nameOrPath: string): MachineFile[] {
  const chain: MachineFile[] = [];
  let next: string | undefined = nameOrPath;
  let folder = '.';
  let where = '--arch';
  while (next !== undefined) {
    const { path, label } = locate(next, folder, where);
    if (chain.some((file) => file.path === path)) {
      const names = [...chain.map((file) => file.name), chain.find((file) => file.path === path)!.name];
      throw InputError.of(where, `extends itself (${names.join(' -> ')})`, 'break the cycle');
    }
    if (chain.length > MAX_EXTENDS) {
      throw InputError.of(
        where,
        `is the end of a chain of more than ${MAX_EXTENDS} extends`,
        'extend a machine nearer to the base',
      );
    }
    const { file, base } = readMachineFile(path, label);
    chain.push(file);
    next = base;
    folder = dirname(path);
    where = `${label}: extends`;
  }
  return chain.reverse();
}

function readMachineFile(path: string, label: string): { file: MachineFile; base: string | undefined } {
  const content = parseYaml(readInput(path), label);
  if (!isMap(content))
    throw InputError.of(label, `holds ${show(content)}`, 'a machine file is a map of fields, see arch/README.md');
  const { name, kind, description, extends: base, sources, ...spec } = content;
  const problems: Problem[] = [];
  const text = (field: string, value: Data | undefined): string | undefined => {
    if (value === undefined || typeof value === 'string') return value;
    problems.push({ where: `${label}: ${field}`, found: show(value), remedy: 'write a text' });
    return undefined;
  };
  const texts = {
    name: text('name', name),
    kind: text('kind', kind),
    description: text('description', description),
    base: text('extends', base),
  };
  if (name === undefined) problems.push({ where: `${label}: name`, found: 'missing', remedy: 'add a text' });
  const checked = readSources(sources, label, problems);
  if (problems.length > 0) throw new InputError(problems);
  const file = {
    path,
    label,
    name: texts.name!,
    kind: texts.kind,
    description: texts.description,
    spec,
    sources: checked,
  };
  return { file, base: texts.base };
}

function readSources(sources: Data | undefined, label: string, problems: Problem[]): Record<string, Source> {
  if (sources === undefined || sources === null) return {};
  if (!isMap(sources)) {
    problems.push({
      where: `${label}: sources`,
      found: show(sources),
      remedy: 'write a map: dotted path -> { kind, ref }',
    });
    return {};
  }
  const result: Record<string, Source> = {};
  for (const [path, source] of Object.entries(sources)) {
    const parsed = sourceSchema.safeParse(source);
    if (parsed.success) {
      result[path] = parsed.data;
      continue;
    }
    const remedy = `write { kind: ${SOURCE_KINDS.join(' | ')}, ref: where it is found }`;
    problems.push({ where: `${label}: sources.${path}`, found: show(source), remedy });
  }
  return result;
}
