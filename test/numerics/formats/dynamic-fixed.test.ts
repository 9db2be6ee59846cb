import { describe, expect, it } from 'vitest';
import {
  addDynamicFixed,
  fromDynamicFixed,
  multiplyDynamicFixed,
  narrowDynamicFixed,
  toDynamicFixed,
} from '../../../src/numerics/formats/dynamic-fixed.ts';
import { NEAREST_EVEN, TOWARD_ZERO } from '../../../src/numerics/formats/rounding.ts';
import { seededWords } from './random.ts';

describe('dynamic fixed point 16', () => {
  it('shares the exponent of the largest magnitude less 14', () => {
    // 5 = 1.25 * 2^2: exponent 2 - 14 = -12, so 5 is 5 * 4096.
    const { integers, exponent } = toDynamicFixed(Float32Array.of(5, -1, 2 ** -13, 3 * 2 ** -13), NEAREST_EVEN);
    expect(exponent).toBe(-12);
    expect(Array.from(integers)).toEqual([20480, -4096, 0, 2]);
  });

  it('is off by at most half of 2^exponent, and the largest number always has 15 bits', () => {
    const random = seededWords(51);
    for (let round = 0; round < 200; round++) {
      const span = 2 ** ((random() % 100) - 50);
      const values = Float32Array.from({ length: 50 }, () => (random() / 2 ** 31 - 1) * span);
      const fixed = toDynamicFixed(values, NEAREST_EVEN);
      const back = fromDynamicFixed(fixed);
      const largest = fixed.integers.reduce((most, integer) => Math.max(most, Math.abs(integer)), 0);
      expect(largest).toBeGreaterThanOrEqual(2 ** 14);
      values.forEach((value, index) => {
        // A magnitude that would round to 2^15 stays below it: up to a whole unit off.
        const bound = Math.abs(fixed.integers[index]!) === 32767 ? 1 : 0.5;
        expect(Math.abs(back[index]! - value)).toBeLessThanOrEqual(bound * 2 ** fixed.exponent);
      });
    }
  });

  it('stays within 15 bits where the largest number rounds up, and within the exponents where all is tiny', () => {
    expect(toDynamicFixed(Float32Array.of(2 - 2 ** -20), NEAREST_EVEN)).toEqual({
      integers: Int16Array.of(32767),
      exponent: -14,
    });
    expect(toDynamicFixed(Float32Array.of(0, 2 ** -120), NEAREST_EVEN)).toEqual({
      integers: Int16Array.of(0, 256),
      exponent: -128,
    });
    expect(toDynamicFixed(Float32Array.of(0), NEAREST_EVEN).exponent).toBe(-128);
    expect(() => toDynamicFixed(Float32Array.of(Number.NaN), NEAREST_EVEN)).toThrow(/NaN/);
  });

  const left = { integers: Int16Array.of(20480, -3), exponent: -12 };
  const right = { integers: Int16Array.of(16384, -3), exponent: -14 };

  it('multiplies integers and adds exponents', () => {
    expect(multiplyDynamicFixed(left, right)).toEqual({ integers: Int32Array.of(20480 * 16384, 9), exponent: -26 });
  });

  it('adds under the larger exponent, shifting the other side right', () => {
    // -3 >> 2 is -1: a shift rounds toward minus infinity.
    const sum = { integers: Int32Array.of(20480 + 4096, -4), exponent: -12 };
    expect(addDynamicFixed(left, right)).toEqual(sum);
    expect(addDynamicFixed(right, left)).toEqual(sum);
    const tiny = { integers: Int16Array.of(32767, -32767), exponent: -12 - 32 };
    expect(addDynamicFixed(left, tiny).integers).toEqual(Int32Array.of(20480, -4));
  });

  it('narrows by the shift that leaves 15 bits', () => {
    // 20480 * 16384 = 5 * 2^26 takes 29 bits: shift by 14.
    const product = multiplyDynamicFixed(left, right);
    expect(narrowDynamicFixed(product, NEAREST_EVEN)).toEqual({ integers: Int16Array.of(20480, 0), exponent: -12 });
    const wide = { integers: Int32Array.of(65535, -65535, 3), exponent: 0 };
    expect(narrowDynamicFixed(wide, TOWARD_ZERO)).toEqual({ integers: Int16Array.of(32767, -32767, 1), exponent: 1 });
    const small = { integers: Int32Array.of(100, -7), exponent: 3 };
    expect(narrowDynamicFixed(small, NEAREST_EVEN)).toEqual({ integers: Int16Array.of(100, -7), exponent: 3 });
  });
});
