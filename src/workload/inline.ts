import { InputError } from '../errors.ts';
import type { DataMap } from '../data.ts';
import { MAX_BATCH, MAX_LENGTH, type Network } from './network.ts';

export const INLINE_KINDS = ['matmul', 'conv'] as const;

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
}

const length = (name: string): Field => ({ name, least: 1, most: MAX_LENGTH });
const MATMUL: readonly Field[] = ['M', 'N', 'K'].map(length);
const CONV: readonly Field[] = [
  { name: 'N', least: 1, most: MAX_BATCH },
  ...['C', 'H', 'W', 'K', 'R', 'S'].map(length),
  { name: 'stride', least: 1, most: MAX_LENGTH },
  { name: 'pad', least: 0, most: 4096 },
  length('groups'),
];

/** Whole numbers for the fields in order; the first `required` must be there. Throws InputError listing all faults. */
function readFields(
  text: string,
  parts: readonly string[],
  fields: readonly Field[],
  required: number,
  form: string,
): number[] {
  if (parts.length < required || parts.length > fields.length)
    throw InputError.of(text, `has ${parts.length} number${parts.length === 1 ? '' : 's'}`, `write ${form}`);
  const problems = parts.flatMap((part, index) => {
    const { name, least, most } = fields[index]!;
    const value = Number(part);
    const good = /^\d+$/.test(part) && value >= least && value <= most;
    return good
      ? []
      : [
          {
            where: `${text}: ${name}`,
            found: part === '' ? 'missing' : part,
            remedy: `write a whole number from ${least} to ${most}`,
          },
        ];
  });
  if (problems.length > 0) throw new InputError(problems);
  return parts.map(Number);
}

function oneLayer(name: string, shape: readonly number[], batch: number, type: string, parameters: DataMap): Network {
  return {
    name,
    description: '',
    source: '',
    published: {},
    batch,
    precision: null,
    inputs: { input: { shape, dtype: null, state: false } },
    layers: [{ type, name: type, from: [], scope: '', parameters, where: name }],
  };
}

/** M, N and K of `matmul:MxNxK`; null if the text is something else. Throws InputError for a malformed one. */
export function readMatmul(text: string): { readonly m: number; readonly n: number; readonly k: number } | null {
  const [, rest] = /^matmul:(.*)$/is.exec(text) ?? [];
  if (rest === undefined) return null;
  const sizes = rest.trim().toLowerCase().split('x');
  const [m, n, k] = readFields(text, sizes, MATMUL, 3, 'matmul:MxNxK, for example matmul:512x512x512');
  return { m: m!, n: n!, k: k! };
}

/**
 * `matmul:MxNxK` ([M, K] x [K, N]) and `conv:N,C,H,W,K,R,S[,stride[,pad[,groups]]]` as networks of one layer; null if the text
 * is neither. Throws InputError for a malformed one.
 */
export function inlineKernel(text: string): Network | null {
  const matmul = readMatmul(text);
  if (matmul !== null) return oneLayer(text, [matmul.m, matmul.k], 1, 'linear', { out: matmul.n, bias: false });
  const colon = text.indexOf(':');
  const kind = text.slice(0, Math.max(0, colon)).toLowerCase();
  const rest = text.slice(colon + 1).trim();
  if (kind !== 'conv') return null;
  const parts = rest.split(',').map((part) => part.trim());
  const values = readFields(
    text,
    parts,
    CONV,
    7,
    'conv:N,C,H,W,K,R,S[,stride[,pad[,groups]]], for example conv:1,64,56,56,64,3,3,1,1',
  );
  const [n, c, h, w, k, r, s, stride = 1, padding = 0, groups = 1] = values as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number?,
    number?,
    number?,
  ];
  return oneLayer(text, [c, h, w], n, 'conv', { out: k, kernel: [r, s], stride, padding, groups, bias: false });
}
