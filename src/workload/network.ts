import { z } from 'zod';
import { type Data, type DataMap, isMap } from '../data.ts';
import { InputError, type Problem } from '../errors.ts';
import { didYouMean } from '../suggest.ts';
import { DTYPES, type DType } from '../trace/trace.ts';
import { expandLayers } from './expand.ts';
import type { Layer } from './layer.ts';
import { parsePrecision } from './precision.ts';

/** Published figures a network is held to; `macs` of one sample. */
export interface Published {
  readonly parameters?: number;
  readonly macs?: number;
  readonly source?: string;
}

export interface NetworkInput {
  /** Shape of one sample. */
  readonly shape: readonly number[];
  /** null: that of the activations. */
  readonly dtype: DType | null;
  /** Kept on the machine from run to run (recurrent state). */
  readonly state: boolean;
}

export interface Network {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  readonly published: Published;
  readonly batch: number;
  readonly precision: string | null;
  readonly inputs: Readonly<Record<string, NetworkInput>>;
  readonly layers: readonly Layer[];
}

/** Longest length of one dimension of a tensor. */
export const MAX_LENGTH = 2 ** 24;
/** Largest batch a trace can be built for. */
export const MAX_BATCH = 65_536;

const shape = z.array(z.number().int().min(1).max(MAX_LENGTH)).max(6);
const dtypes = Object.keys(DTYPES) as [DType, ...DType[]];
const input = z.union([
  shape,
  z.strictObject({ shape, dtype: z.enum(dtypes).optional(), state: z.boolean().optional() }),
]);
const fields = z.strictObject({
  name: z.string().min(1).max(200),
  description: z.string().optional(),
  source: z.string().optional(),
  published: z
    .strictObject({
      parameters: z.number().positive().optional(),
      macs: z.number().positive().optional(),
      source: z.string().optional(),
    })
    .optional(),
  batch: z.number().int().min(1).max(MAX_BATCH).optional(),
  precision: z.string().optional(),
  input: shape.optional(),
  inputs: z.record(z.string(), input).optional(),
  aliases: z.array(z.string()).optional(),
  blocks: z
    .record(
      z.string(),
      z.strictObject({ parameters: z.record(z.string(), z.unknown()).optional(), layers: z.array(z.unknown()).min(1) }),
    )
    .optional(),
  layers: z.array(z.unknown()).min(1),
});
type Fields = z.infer<typeof fields>;
type InputMap = { shape: number[]; dtype?: DType | undefined; state?: boolean | undefined };

const REMEDIES: Readonly<Record<string, string>> = {
  name: 'name the network',
  input: 'give the shape of one sample, for example `input: [3, 224, 224]`',
  inputs: 'give each input a shape of positive whole lengths, for example `dense: [13]`',
  batch: `write a whole number from 1 to ${MAX_BATCH}`,
  published: 'give `parameters` and `macs` as positive numbers and `source` as text',
  layers: 'give a list of layers',
  blocks: 'give each block `parameters` (a map) and `layers` (a list)',
};

function faults(error: z.ZodError, data: DataMap, file: string): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const where = [file, issue.path.join('.')].filter((part) => part !== '').join(': ');
    if (issue.code === 'unrecognized_keys') {
      const known =
        issue.path.length === 0
          ? Object.keys(fields.shape)
          : issue.path[0] === 'blocks'
            ? ['parameters', 'layers']
            : ['parameters', 'macs', 'source', 'shape', 'dtype', 'state'];
      return issue.keys.map((key) => ({ where, found: `unknown field ${key}`, remedy: didYouMean(key, known) }));
    }
    const value = issue.path.reduce<Data | undefined>(
      (at, key) => (isMap(at) ? at[String(key)] : Array.isArray(at) ? (at as Data[])[Number(key)] : undefined),
      data,
    );
    const found = value === undefined ? 'missing' : JSON.stringify(value).slice(0, 80);
    return [{ where, found, remedy: REMEDIES[String(issue.path[0])] ?? `${issue.message}; see workloads/README.md` }];
  });
}

function isShape(value: number[] | InputMap): value is number[] {
  return Array.isArray(value);
}

function inputsOf(checked: Fields, file: string): { inputs: Network['inputs']; problems: Problem[] } {
  const given = { ...(checked.input === undefined ? {} : { input: checked.input }), ...checked.inputs };
  const inputs = Object.fromEntries(
    Object.entries(given).map(([name, value]): [string, NetworkInput] => {
      const map: InputMap = isShape(value) ? { shape: value } : value;
      return [name, { shape: map.shape, dtype: map.dtype ?? null, state: map.state ?? false }];
    }),
  );
  const problems =
    Object.keys(given).length > 0 ? [] : [{ where: `${file}: input`, found: 'missing', remedy: REMEDIES['input']! }];
  return { inputs, problems };
}

/** Checks a network file's data and writes its blocks out. Throws InputError listing all faults. */
export function parseNetwork(data: Data, file: string): Network {
  if (!isMap(data)) throw InputError.of(file, 'is not a map of fields', 'see workloads/README.md');
  const result = fields.safeParse(data);
  if (!result.success) throw new InputError(faults(result.error, data, file));
  const checked = result.data;
  const { inputs, problems } = inputsOf(checked, file);
  if (checked.precision !== undefined) parsePrecision(checked.precision, `${file}: precision`);
  const expansion = expandLayers((data['blocks'] ?? {}) as DataMap, data['layers'], Object.keys(inputs), file);
  problems.push(...expansion.problems);
  if (problems.length > 0) throw new InputError(problems);
  const { parameters, macs, source } = checked.published ?? {};
  return {
    name: checked.name,
    description: checked.description ?? '',
    source: checked.source ?? '',
    published: {
      ...(parameters !== undefined && { parameters }),
      ...(macs !== undefined && { macs }),
      ...(source !== undefined && { source }),
    },
    batch: checked.batch ?? 1,
    precision: checked.precision ?? null,
    inputs,
    layers: expansion.layers,
  };
}
