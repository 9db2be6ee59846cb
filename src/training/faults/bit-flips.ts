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
  /** Chance of each number to have one bit flipped, 0 to 1. */
  readonly rate: number;
  readonly bits: BitField;
}

/**
 * Flips, in place, one bit of each number that a fault hits; all bits of the field are hit alike. Numbers are patterns of `format`,
 * which they are rounded to only where hit; a hit exponent may make infinity or NaN. Throws InputError for a rate that is no chance.
 */
export function flipBits(values: Values, format: FloatFormat, { rate, bits }: BitFlips, random: Random): void {
  if (!(rate >= 0 && rate <= 1)) throw InputError.of('fault rate', String(rate), 'write a share from 0 to 1');
  if (rate === 0) return;
  const { lowest, count } = fieldOf(format, bits);
  for (let at = gap(rate, random); at < values.length; at += 1 + gap(rate, random)) {
    const weight = 2 ** (lowest + random.below(count));
    const pattern = encode(values[at]!, format, NEAREST_EVEN);
    const isSet = Math.floor(pattern / weight) % 2 === 1;
    values[at] = decode(isSet ? pattern - weight : pattern + weight, format);
  }
}

/** Numbers that are spared before the next one hit: geometric, so that the work goes with the faults and not with the numbers. */
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
