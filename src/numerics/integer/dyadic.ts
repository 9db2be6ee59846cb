import { ModelBug } from '../../errors.ts';

/**
 * A positive real number as multiplier / 2^shift, so that a new scale is an integer product and a shift, without a division
 * (HAWQ-V3, Yao 2021). A shift below 0 goes to the left.
 */
export interface Dyadic {
  readonly multiplier: number;
  readonly shift: number;
}

/** With a 32-bit integer the product stays within the 53 bits that a float64 holds exactly. */
const MULTIPLIER_BITS = 22;

/** Relative error at most 2^-22: the multiplier is 2^21 ... 2^22. */
export function toDyadic(factor: number): Dyadic {
  if (!(factor > 0 && factor < Number.POSITIVE_INFINITY))
    throw new ModelBug(`a factor of ${factor} has no dyadic form`);
  const shift = MULTIPLIER_BITS - 1 - Math.floor(Math.log2(factor));
  return { multiplier: Math.round(factor * 2 ** shift), shift };
}

/** A 32-bit integer times the factor, rounded to nearest, halves up: half is added before the shift. */
export function scaleByDyadic(integer: number, { multiplier, shift }: Dyadic): number {
  const product = integer * multiplier;
  return shift > 0 ? Math.floor((product + 2 ** (shift - 1)) / 2 ** shift) : product * 2 ** -shift;
}
