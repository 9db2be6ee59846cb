import { type Data, type DataMap, isMap } from '../data.ts';
import { InputError, type Problem } from '../errors.ts';
import { didYouMean } from '../suggest.ts';
import { evaluate, type Scope } from './expression.ts';
import { LAYER_TYPES } from './layers/types.ts';
import type { Layer } from './layer.ts';

/** Layers after all blocks are written out, at most. */
const MAX_LAYERS = 50_000;
const MAX_NESTING = 8;
const MAX_REPEAT = 10_000;
/** What a block takes besides its own parameters. */
const BLOCK_FIELDS = ['name', 'from', 'repeat', 'precision', 'when'];

interface Expansion {
  readonly blocks: DataMap;
  readonly file: string;
  readonly layers: Layer[];
  readonly names: Set<string>;
  /** By place and text, so that a fault in a repeated block is told once. */
  readonly problems: Map<string, Problem>;
}

/** Where a list of layers stands. */
interface Place {
  /** Path of blocks, for names: `stage2/0/`. */
  readonly scope: string;
  /** Parameters of the surrounding block. */
  readonly values: Scope;
  /** Parameters a block hands to every layer in it (precision). */
  readonly inherited: DataMap;
  readonly where: string;
  readonly depth: number;
}

/** Writes all blocks out. Faults are collected; those that could make the expansion explode are thrown as InputError. */
export function expandLayers(
  blocks: DataMap,
  layers: Data | undefined,
  inputs: readonly string[],
  file: string,
): { layers: Layer[]; problems: Problem[] } {
  const into: Expansion = { blocks, file, layers: [], names: new Set(inputs), problems: new Map() };
  for (const name of Object.keys(blocks)) {
    if (LAYER_TYPES.includes(name))
      report(into, `${file}: blocks.${name}`, 'the block has the name of a layer type', 'name it otherwise');
  }
  expandList(into, layers, { scope: '', values: {}, inherited: {}, where: `${file}: layers`, depth: 0 });
  return { layers: into.layers, problems: [...into.problems.values()] };
}

function report(into: Expansion, where: string, found: string, remedy: string): void {
  into.problems.set(`${where}\n${found}`, { where, found, remedy });
}

function brief(data: Data | undefined): string {
  return data === undefined ? 'missing' : JSON.stringify(data).slice(0, 80);
}

function expandList(into: Expansion, list: Data | undefined, place: Place): void {
  if (place.depth > MAX_NESTING)
    throw InputError.of(
      place.where,
      'blocks are nested too deep',
      `use at most ${MAX_NESTING} levels, and no block inside itself`,
    );
  if (!Array.isArray(list)) return report(into, place.where, brief(list), 'write a list of layers');
  (list as Data[]).forEach((entry, index) => {
    const where = `${place.where}[${index}]`;
    if (!isMap(entry) || Object.keys(entry).length !== 1)
      return report(into, where, brief(entry), 'write one `type: { ... }` each');
    try {
      expandEntry(into, entry, index, { ...place, where });
    } catch (error) {
      if (!(error instanceof InputError) || into.layers.length >= MAX_LAYERS || place.depth >= MAX_NESTING) throw error;
      for (const problem of error.problems) report(into, problem.where, problem.found, problem.remedy);
    }
  });
}

function expandEntry(into: Expansion, entry: DataMap, index: number, place: Place): void {
  const [type, raw] = Object.entries(entry)[0]!;
  const where = `${place.where}.${type}`;
  const given = evaluateAll(raw ?? {}, place.values, where);
  if (!isMap(given)) return report(into, where, brief(raw), 'write parameters as a map');
  const { when = 1, ...rest } = given;
  if (typeof when !== 'number' && typeof when !== 'boolean')
    return report(into, `${where}.when`, brief(when), 'write true, false or a comparison such as `=stride > 1`');
  if (!when) return;
  const parameters = { ...place.inherited, ...rest };
  const block = Object.hasOwn(into.blocks, type) ? into.blocks[type] : undefined;
  if (isMap(block)) return expandBlock(into, type, block, parameters, index, place);
  if (!LAYER_TYPES.includes(type)) {
    return report(
      into,
      place.where,
      `layer type ${type} is not known`,
      didYouMean(type, [...LAYER_TYPES, ...Object.keys(into.blocks)]),
    );
  }
  addLayer(into, type, parameters, index, place);
}

function addLayer(into: Expansion, type: string, all: DataMap, index: number, place: Place): void {
  if (into.layers.length >= MAX_LAYERS)
    throw InputError.of(into.file, `more than ${MAX_LAYERS} layers`, 'use a smaller network');
  const { name: given, from, ...parameters } = all;
  const where = `${place.where}.${type}`;
  if (given !== undefined && (typeof given !== 'string' || !/^[^/\s]+$/.test(given)))
    return report(into, `${where}.name`, brief(given), 'write a name without spaces and slashes');
  const name = `${place.scope}${given ?? `${type}${index}`}`;
  if (into.names.has(name))
    return report(
      into,
      `${where}.name`,
      `${name.slice(place.scope.length)} is taken`,
      'give every layer of a list its own name',
    );
  into.names.add(name);
  const sources = from === undefined ? [] : Array.isArray(from) ? (from as Data[]) : [from];
  if (!sources.every((source) => typeof source === 'string'))
    return report(into, `${where}.from`, brief(from), 'write a layer name or a list of them');
  into.layers.push({ type, name, scope: place.scope, parameters, where: place.where, from: sources as string[] });
}

function expandBlock(into: Expansion, type: string, block: DataMap, given: DataMap, index: number, place: Place): void {
  const defaults = isMap(block['parameters']) ? block['parameters'] : {};
  const { name, from, repeat = 1, precision, ...own } = given;
  const where = `${place.where}.${type}`;
  for (const key of Object.keys(own).filter((one) => !Object.hasOwn(defaults, one))) {
    report(
      into,
      `${where}.${key}`,
      'the block has no such parameter',
      didYouMean(key, [...Object.keys(defaults), ...BLOCK_FIELDS]),
    );
  }
  if (typeof repeat !== 'number' || !Number.isInteger(repeat) || repeat < 0 || repeat > MAX_REPEAT) {
    return report(into, `${where}.repeat`, brief(repeat), `write a whole number from 0 to ${MAX_REPEAT}`);
  }
  const values: Record<string, number> = {};
  for (const [key, fallback] of Object.entries(defaults)) {
    const value = own[key] ?? fallback;
    if (typeof value === 'number' || typeof value === 'boolean') values[key] = Number(value);
    else
      report(into, `${where}.${key}`, own[key] === undefined ? 'missing' : brief(value), 'give the block this number');
  }
  if (Object.keys(values).length < Object.keys(defaults).length) return;
  const label = typeof name === 'string' ? name : `${type}${index}`;
  const inherited = precision === undefined ? {} : { precision };
  for (let time = 0; time < repeat; time++) {
    const scope = `${place.scope}${repeat > 1 ? `${label}.${time}` : label}/`;
    // What the block's layers call `input`.
    addLayer(into, 'identity', { name: 'input', ...(from !== undefined && time === 0 && { from }) }, index, {
      ...place,
      scope,
    });
    expandList(into, block['layers'], {
      scope,
      values: { ...values, index: time },
      inherited,
      where: `${into.file}: blocks.${type}.layers`,
      depth: place.depth + 1,
    });
  }
  // The block's result under the block's own name; without repetitions, what it was given.
  addLayer(into, 'identity', { name: label, ...(from !== undefined && repeat === 0 && { from }) }, index, place);
}

/** Replaces every text that begins with `=` by its value. */
function evaluateAll(data: Data, scope: Scope, where: string): Data {
  if (typeof data === 'string') return data.startsWith('=') ? evaluate(data.slice(1), scope, where) : data;
  if (Array.isArray(data)) return (data as Data[]).map((item) => evaluateAll(item, scope, where));
  if (!isMap(data)) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, evaluateAll(value, scope, `${where}.${key}`)]),
  );
}
