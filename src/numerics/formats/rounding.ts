/** An integer of 0 ... 2^32 - 1, all equally likely; the caller owns the seed. */
export type RandomUint32 = () => number;

/**
 * What a finite number too large for the format becomes: infinity (NaN where the format has none), or the largest number.
 * Under `saturate` an infinite input becomes the largest number as well (OCP OFP8); NaN always stays NaN.
 */
export type Overflow = 'infinity' | 'saturate';

/**
 * How a number between two representable neighbours is rounded. `toward-zero` never rounds a finite number to infinity
 * (IEEE 754, section 7.4). `stochastic` takes the neighbour farther from zero with a probability equal to the distance
 * from the nearer-to-zero one in units of their gap, so that the mean is the number itself (Gupta 2015).
 */
export type Rounding =
  | { readonly mode: 'nearest-even' | 'toward-zero'; readonly overflow: Overflow }
  | { readonly mode: 'stochastic'; readonly overflow: Overflow; readonly random: RandomUint32 };

export const NEAREST_EVEN: Rounding = { mode: 'nearest-even', overflow: 'infinity' };
export const TOWARD_ZERO: Rounding = { mode: 'toward-zero', overflow: 'infinity' };

export function stochastic(random: RandomUint32, overflow: Overflow = 'infinity'): Rounding {
  return { mode: 'stochastic', overflow, random };
}

const TWO_TO_32 = 2 ** 32;
const TWO_TO_52 = 2 ** 52;

/**
 * True with probability exactly `fraction` (0 <= fraction < 1). The random words are the digits of a uniform number in base
 * 2^32; they are compared with the digits of `fraction` and more are drawn only while all were equal.
 */
export function drawBelow(fraction: number, random: RandomUint32): boolean {
  let rest = fraction;
  while (rest > 0) {
    const scaled = rest * TWO_TO_32;
    const digit = Math.floor(scaled);
    const word = random();
    if (word !== digit) return word < digit;
    rest = scaled - digit;
  }
  return false;
}

/** A magnitude below 2^51 to the nearest integer, ties to even: adding 2^52 leaves no bits below the point. */
export function nearestEvenMagnitude(magnitude: number): number {
  return magnitude + TWO_TO_52 - TWO_TO_52;
}

/** A magnitude below 2^51 to an integer as `rounding` says; exact numbers draw nothing. */
export function roundMagnitude(magnitude: number, rounding: Rounding): number {
  if (rounding.mode === 'nearest-even') return nearestEvenMagnitude(magnitude);
  const below = Math.floor(magnitude);
  return rounding.mode === 'stochastic' && drawBelow(magnitude - below, rounding.random) ? below + 1 : below;
}

/** Any number of magnitude below 2^51 to an integer, symmetric about zero; never -0. */
export function roundInteger(value: number, rounding: Rounding): number {
  return value < 0 ? 0 - roundMagnitude(-value, rounding) : roundMagnitude(value, rounding) + 0;
}
