import type { FloatFormat } from './float-format.ts';

/** What follows from the fields of a format; each of these numbers is exact. */
export interface FormatFacts {
  /** Bits of one encoded value: sign, exponent, fraction. */
  readonly bits: number;
  /** Exponent of the smallest normal number, which all subnormal numbers share. */
  readonly lowestExponent: number;
  readonly highestExponent: number;
  readonly largest: number;
  readonly smallestNormal: number;
  /** Smallest magnitude above zero; the smallest normal number where there are no subnormal ones. */
  readonly smallest: number;
  /** Distance between neighbours below the smallest normal number: the last place of the lowest exponent. */
  readonly lowestQuantum: number;
  /** Distance from 1 to the next larger number. */
  readonly epsilon: number;
}

export function formatFacts(format: FloatFormat): FormatFacts {
  const { exponentBits, fractionBits, bias, hasInfinity, hasSubnormals } = format;
  const lowestExponent = 1 - bias;
  const highestExponent = 2 ** exponentBits - (hasInfinity ? 2 : 1) - bias;
  const epsilon = 2 ** -fractionBits;
  const smallestNormal = 2 ** lowestExponent;
  const lowestQuantum = smallestNormal * epsilon;
  return {
    bits: 1 + exponentBits + fractionBits,
    lowestExponent,
    highestExponent,
    // Without infinity the fraction of all ones is NaN, so the largest number ends one place lower.
    largest: (2 - epsilon * (hasInfinity ? 1 : 2)) * 2 ** highestExponent,
    smallestNormal,
    smallest: hasSubnormals ? lowestQuantum : smallestNormal,
    lowestQuantum,
    epsilon,
  };
}
