import type { Options } from 'yargs';
import { InputError } from '../errors.ts';
import { didYouMean } from '../suggest.ts';

/** Options that several commands share. */
export const COMMON = {
  batch: { type: 'string', describe: "samples that run together (default: the workload's own)" },
  precision: { type: 'string', describe: 'number format, or weights/activations, e.g. int8, bf16, int8/int16' },
  sparsity: { type: 'string', describe: 'pattern of the weights, N:M: so many of so many neighbours stay, e.g. 2:4' },
  training: { type: 'boolean', default: false, describe: 'one training step instead of inference' },
  optimizer: { type: 'string', describe: 'of a training step: sgd, momentum (default), adam ...' },
  checkpointing: {
    type: 'string',
    describe: 'of a training step: none, sqrt or blocks (what is not kept is computed again)',
  },
  feedback: {
    type: 'string',
    describe: 'of a training step: backpropagation, alignment or direct (what takes errors back)',
  },
  parallel: {
    type: 'string',
    describe:
      'of a training step: one rank of data:RANKS[:SHARE], model:RANKS or pipeline:STAGES[:MICROBATCHES[:gpipe|1f1b[:STAGE]]]',
  },
  propagation: {
    type: 'string',
    describe: 'of a training step: stepwise, or pipelined (every layer works on another mini-batch)',
  },
  set: {
    type: 'string',
    array: true,
    default: [] as string[],
    requiresArg: true,
    describe: 'override a value of the machine: PATH=VALUE (repeatable)',
  },
  format: { type: 'string', default: 'table', describe: 'table, json, csv, md or html' },
  out: { type: 'string', describe: 'write to a file instead of the terminal' },
  quiet: { type: 'boolean', default: false, describe: 'print nothing but the result' },
} as const satisfies Record<string, Options>;

export const FORMATS = ['table', 'json', 'csv', 'md', 'html'] as const;
export type Format = (typeof FORMATS)[number];

export function readFormat(text: string): Format {
  return readName(text, FORMATS, 'format');
}

/** An option given twice where one value is meant. */
export function single(value: string | readonly string[] | undefined, name: string): string | undefined {
  if (Array.isArray(value)) throw InputError.of(`--${name}`, value.join(', '), 'give it once');
  return value as string | undefined;
}

/** One of some names. Throws InputError naming the option. */
export function readName<const Name extends string>(text: string, names: readonly Name[], name: string): Name;
export function readName<const Name extends string>(
  text: string | undefined,
  names: readonly Name[],
  name: string,
): Name | undefined;
export function readName<const Name extends string>(
  text: string | undefined,
  names: readonly Name[],
  name: string,
): Name | undefined {
  const found = names.find((one) => one === text);
  if (text !== undefined && found === undefined) throw InputError.of(`--${name}`, text, didYouMean(text, names));
  return found;
}

/** A whole number as it was typed. Throws InputError naming the option. */
export function readWhole(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text.trim()))
    throw InputError.of(`--${name}`, text === '' ? 'nothing' : text, 'write a whole number');
  return Number(text);
}

/** A number as it was typed, 0 or more. Throws InputError naming the option. */
export function readNumber(text: string, name: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw InputError.of(`--${name}`, text === '' ? 'nothing' : text, 'write a number, 0 or more');
  return value;
}
