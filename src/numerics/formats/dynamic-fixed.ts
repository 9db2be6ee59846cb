import { ModelBug } from '../../errors.ts';
import { exponentOf } from './round-number.ts';
import { type Rounding, roundInteger } from './rounding.ts';

/**
 * Dynamic fixed point 16 (Das 2018, arXiv 1802.00930): a tensor of integers that share one exponent, value = integer *
 * 2^exponent. Stored tensors have 16-bit integers; sums and products have 32-bit ones until they are narrowed.
 */
export interface DynamicFixed<Integers extends Int16Array | Int32Array> {
  readonly integers: Integers;
  /** A sign and 7 bits: -128 ... 127. Sums of exponents in a product may lie beyond. */
  readonly exponent: number;
}

const MAGNITUDE_BITS = 15;
const LARGEST = 2 ** MAGNITUDE_BITS - 1;
const LOWEST_EXPONENT = -128;

/**
 * The exponent of the largest magnitude less 14 (that is P - 2 for P = 16 bits), so that this magnitude fills the 15 bits.
 * A magnitude that rounds up to 2^15 becomes the largest integer.
 */
export function toDynamicFixed(values: Float32Array, rounding: Rounding): DynamicFixed<Int16Array> {
  let largest = 0;
  for (let index = 0; index < values.length; index++) {
    const magnitude = Math.abs(values[index]!);
    if (!(magnitude < Number.POSITIVE_INFINITY))
      throw new ModelBug(`${values[index]} has no place in dynamic fixed point`);
    if (magnitude > largest) largest = magnitude;
  }
  const exponent = Math.max(exponentOf(largest) - (MAGNITUDE_BITS - 1), LOWEST_EXPONENT);
  const perUnit = 2 ** -exponent;
  const integers = new Int16Array(values.length);
  for (let index = 0; index < values.length; index++) {
    integers[index] = clamp(roundInteger(values[index]! * perUnit, rounding));
  }
  return { integers, exponent };
}

export function fromDynamicFixed({ integers, exponent }: DynamicFixed<Int16Array | Int32Array>): Float32Array {
  const unit = 2 ** exponent;
  // A loop: `from` takes ten times as long, and training narrows every tensor of every step.
  const values = new Float32Array(integers.length);
  for (let index = 0; index < integers.length; index++) values[index] = integers[index]! * unit;
  return values;
}

/** Element by element: integers multiply, exponents add. */
export function multiplyDynamicFixed(
  left: DynamicFixed<Int16Array>,
  right: DynamicFixed<Int16Array>,
): DynamicFixed<Int32Array> {
  const integers = Int32Array.from(left.integers, (integer, index) => integer * right.integers[index]!);
  return { integers, exponent: left.exponent + right.exponent };
}

/** Element by element under the larger exponent; the other side is shifted right, which rounds toward minus infinity. */
export function addDynamicFixed(
  left: DynamicFixed<Int16Array>,
  right: DynamicFixed<Int16Array>,
): DynamicFixed<Int32Array> {
  const exponent = Math.max(left.exponent, right.exponent);
  // A shift by 31 already leaves only the sign; the machine's shift would take larger counts modulo 32.
  const leftShift = Math.min(exponent - left.exponent, 31);
  const rightShift = Math.min(exponent - right.exponent, 31);
  const integers = Int32Array.from(left.integers, (integer, index) => {
    return (integer >> leftShift) + (right.integers[index]! >> rightShift);
  });
  return { integers, exponent };
}

/** Back to 16 bits: shift right until the largest magnitude has at most 15 bits, and raise the exponent by as many. */
export function narrowDynamicFixed(
  { integers, exponent }: DynamicFixed<Int32Array>,
  rounding: Rounding,
): DynamicFixed<Int16Array> {
  let largest = 0;
  for (const integer of integers) largest = Math.max(largest, Math.abs(integer));
  const shift = Math.max(32 - Math.clz32(largest) - MAGNITUDE_BITS, LOWEST_EXPONENT - exponent, 0);
  const perUnit = 2 ** -shift;
  return {
    integers: Int16Array.from(integers, (integer) => clamp(roundInteger(integer * perUnit, rounding))),
    exponent: exponent + shift,
  };
}

function clamp(integer: number): number {
  return Math.min(Math.max(integer, -LARGEST), LARGEST);
}
