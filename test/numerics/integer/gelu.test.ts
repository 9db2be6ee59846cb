import { describe, expect, it } from 'vitest';
import { integerGelu } from '../../../src/numerics/integer/gelu.ts';
import { gelu, largestDifference } from './real.ts';

/** Largest difference from GELU over all integers of so many bits. */
function errorOf(scale: number, bits: number): number {
  const integers = Int32Array.from({ length: 2 ** bits - 1 }, (_, index) => index - 2 ** (bits - 1) + 1);
  const result = integerGelu({ integers, scale });
  expect(result.scale).toBeGreaterThan(0);
  return largestDifference(
    Array.from(result.integers, (integer) => integer * result.scale),
    Array.from(integers, (integer) => gelu(integer * scale)),
  );
}

describe('integer GELU', () => {
  it('the polynomial itself is off by 0.0182', () => {
    let worst = 0;
    for (let x = -6; x <= 6; x += 1 / 1024) {
      const erf = Math.sign(x) * (1 - 0.2888 * (Math.min(Math.abs(x) / Math.SQRT2, 1.769) - 1.769) ** 2);
      worst = Math.max(worst, Math.abs((x / 2) * (1 + erf) - gelu(x)));
    }
    expect(worst).toBeCloseTo(0.0182, 4);
  });

  it('is off by at most 0.0195 for every int8 input of any usual scale', () => {
    for (let range = 0.25; range <= 64; range *= 1.0625) expect(errorOf(range / 127, 8)).toBeLessThan(0.0195);
  });

  it('comes down to the polynomial with a fine scale', () => {
    expect(errorOf(4 / 1023, 11)).toBeCloseTo(0.0182, 3);
  });

  it('refuses inputs whose product leaves 32 bits', () => {
    expect(() => errorOf(8 / 32767, 16)).toThrow(/32 bits/);
  });
});
