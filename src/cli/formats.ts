import { InputError } from '../errors.ts';
import { FLOAT_FORMATS, type FloatFormat, FP16_E6M9 } from '../numerics/formats/float-format.ts';
import { NEAREST_EVEN } from '../numerics/formats/rounding.ts';
import type { TernaryOptions } from '../numerics/formats/ternary-residual.ts';
import type { Contractions } from '../numerics/ops/contraction.ts';
import { chunkedContractions } from '../training/chunked-contractions.ts';
import { PLAIN_TERNARY } from '../training/rounding.ts';

const ACCUMULATORS: Readonly<Record<string, FloatFormat>> = { ...FLOAT_FORMATS, [FP16_E6M9.name]: FP16_E6M9 };

/** Products and convolutions that add up as --accumulator FORMAT:CHUNK says. Throws InputError. */
export function readAccumulator(text: string): Contractions {
  const [name = '', chunk = '', ...rest] = text.split(':');
  const format = ACCUMULATORS[name];
  if (format === undefined || !/^[1-9]\d{0,8}$/.test(chunk) || rest.length > 0)
    throw InputError.of(
      '--accumulator',
      text,
      `write FORMAT:CHUNK, for example fp16:64; FORMAT is one of ${Object.keys(ACCUMULATORS).join(', ')}`,
    );
  return chunkedContractions({ format, rounding: NEAREST_EVEN, chunkElements: Number(chunk) });
}

/** How many ternary terms a block of so many weights may have, from --ternary BLOCK[:EDGES]. Throws InputError. */
export function readTernary(text: string): TernaryOptions {
  const [, block, edges = '0'] = /^([1-9]\d{0,8})(?::(\d{1,2}))?$/.exec(text) ?? [];
  if (block === undefined)
    throw InputError.of('--ternary', text, 'write weights of a block, and how many residual edges it may have: 64:2');
  return { ...PLAIN_TERNARY, blockElements: Number(block), mostEdgesPerBlock: Number(edges) };
}
