import { ModelBug } from '../../errors.ts';
import { scaleByDyadic, toDyadic } from './dyadic.ts';

/** Integers that stand for real numbers: value = integer * scale, with zero point 0 and a scale above 0. */
export interface IntegerTensor {
  readonly integers: Int32Array;
  readonly scale: number;
}

/** The same values on another scale, limited to `bits` (two's complement): what leaves one integer layer for the next. */
export function rescale({ integers, scale }: IntegerTensor, newScale: number, bits: number): IntegerTensor {
  const factor = toDyadic(scale / newScale);
  const highest = 2 ** (bits - 1) - 1;
  const scaled = Int32Array.from(integers, (integer) => {
    return Math.min(Math.max(scaleByDyadic(integer, factor), -highest - 1), highest);
  });
  return { integers: scaled, scale: newScale };
}

/** Refuses a magnitude that a 32-bit register could not hold, where JavaScript would wrap it silently. */
export function checkInt32(magnitude: number, what: string): void {
  if (magnitude < 2 ** 31) return;
  throw new ModelBug(`${what} reaches ${magnitude}, more than 32 bits hold; give the input a coarser scale`);
}

export function largestMagnitude(integers: Int32Array): number {
  let largest = 0;
  for (const integer of integers) largest = Math.max(largest, Math.abs(integer));
  return largest;
}
