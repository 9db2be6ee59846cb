import { InputError } from '../../errors.ts';
import { decode, encode } from '../../numerics/formats/bits.ts';
import type { FloatFormat } from '../../numerics/formats/float-format.ts';
import { NEAREST_EVEN } from '../../numerics/formats/rounding.ts';
import type { Values } from '../../numerics/ops/values.ts';
import type { Random } from '../../numerics/random.ts';

/** Which bits of a number may flip. */
export const BIT_FIELDS = ['any', 'sign', 'exponent', 'fraction'] as const;
export type BitField = (typeof BIT_FIELDS)[number];

/** Transient faults that each flip a single bit of a stored number. */
export interface BitFlips {
  /** Chance of each bit of the field to flip, 0 to 1. */
  readonly rate: number;
  readonly bits: BitField;
}

/**
 * Flips, in place, bits of numbers at random; all bits of the field are hit alike, rarely two of one number. Numbers are patterns of
 * `format`, which they are rounded to only where hit; a hit exponent may make infinity or NaN. Throws InputError for a rate that is no
 * chance.
 */
export function flipBits(values: Values, format: FloatFormat, { rate, bits }: BitFlips, random: Random): void {
  if (!(rate >= 0 && rate <= 1)) throw InputError.of('fault rate', String(rate), 'write a share from 0 to 1');
  if (rate === 0) return;
  const { lowest, count } = fieldOf(format, bits);
  let bit = gap(rate, random);
  while (bit < values.length * count) {
    const at = Math.floor(bit / count);
    let pattern = encode(values[at]!, format, NEAREST_EVEN);
    for (; bit < (at + 1) * count; bit += 1 + gap(rate, random)) {
      const weight = 2 ** (lowest + (bit % count));
      pattern += Math.floor(pattern / weight) % 2 === 1 ? -weight : weight;
    }
    values[at] = decode(pattern, format);
  }
}

/** Bits that are spared before the next one hit: geometric, so that the work goes with the faults and not with the bits. */
function gap(rate: number, random: Random): number {
  return rate === 1 ? 0 : Math.floor(Math.log1p(-random.uniform()) / Math.log1p(-rate));
}

/** Lowest bit of a field and how many bits it has; fraction lowest, sign highest. */
function fieldOf({ exponentBits, fractionBits }: FloatFormat, bits: BitField): { lowest: number; count: number } {
  return {
    any: { lowest: 0, count: 1 + exponentBits + fractionBits },
    sign: { lowest: exponentBits + fractionBits, count: 1 },
    exponent: { lowest: fractionBits, count: exponentBits },
    fraction: { lowest: 0, count: fractionBits },
  }[bits];
}
