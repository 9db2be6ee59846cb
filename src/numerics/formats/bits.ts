import type { FloatFormat } from './float-format.ts';
import { formatFacts } from './format-facts.ts';
import { createRounder, exponentOf } from './round-number.ts';
import type { Rounding } from './rounding.ts';

/** The bit pattern of a number rounded to `format`, as an unsigned integer. NaN gives the one quiet NaN without a sign. */
export function encode(value: number, format: FloatFormat, rounding: Rounding): number {
  const { exponentBits, fractionBits, bias, hasInfinity } = format;
  const rounded = createRounder(format, rounding)(value);
  const fractions = 2 ** fractionBits;
  const reserved = (2 ** exponentBits - 1) * fractions;
  if (Number.isNaN(rounded)) return reserved + (hasInfinity ? fractions / 2 : fractions - 1);
  const sign = rounded < 0 || Object.is(rounded, -0) ? 2 ** (exponentBits + fractionBits) : 0;
  const magnitude = Math.abs(rounded);
  if (magnitude === Number.POSITIVE_INFINITY) return sign + reserved;
  const { smallestNormal, lowestQuantum } = formatFacts(format);
  if (magnitude < smallestNormal) return sign + magnitude / lowestQuantum;
  const exponent = exponentOf(magnitude);
  return sign + (exponent + bias) * fractions + (magnitude / 2 ** exponent - 1) * fractions;
}

/** The number a bit pattern stands for, by the definition of the format. */
export function decode(bits: number, format: FloatFormat): number {
  const { exponentBits, fractionBits, bias, hasInfinity, hasSubnormals } = format;
  const fractions = 2 ** fractionBits;
  const exponents = 2 ** exponentBits;
  const fraction = bits % fractions;
  const exponent = Math.floor(bits / fractions) % exponents;
  const sign = bits >= fractions * exponents ? -1 : 1;
  if (exponent === exponents - 1) {
    if (hasInfinity) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    if (fraction === fractions - 1) return Number.NaN;
  }
  if (exponent > 0) return sign * (1 + fraction / fractions) * 2 ** (exponent - bias);
  return hasSubnormals ? sign * (fraction / fractions) * 2 ** (1 - bias) : sign * 0;
}
