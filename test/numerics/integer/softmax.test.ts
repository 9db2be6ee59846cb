import { describe, expect, it } from 'vitest';
import { createIntegerExponential, EXPONENTIAL_SCALE } from '../../../src/numerics/integer/exponential.ts';
import { integerSoftmax } from '../../../src/numerics/integer/softmax.ts';
import {
  integerTaylorSoftmax,
  taylorExponential,
  taylorSoftmax,
} from '../../../src/numerics/integer/taylor-softmax.ts';
import { seededWords } from '../formats/random.ts';
import { largestDifference, softmax } from './real.ts';

/** Rows of int8 with scales from 1/2000 to 2, of 2 to 60 elements. */
function randomRows(seed: number, count: number): { integers: Int32Array; scale: number }[] {
  const random = seededWords(seed);
  return Array.from({ length: count }, () => ({
    scale: 2 * (1 / 4000) ** (random() / 2 ** 32),
    integers: Int32Array.from({ length: 2 + (random() % 59) }, () => (random() % 255) - 127),
  }));
}

describe('integer exp', () => {
  it('the polynomial itself is off by 0.0021 on (-ln 2, 0]', () => {
    let worst = 0;
    for (let p = -Math.LN2; p <= 0; p += 1e-4) {
      worst = Math.max(worst, Math.abs(0.3585 * (p + 1.353) ** 2 + 0.344 - Math.exp(p)));
    }
    expect(worst).toBeCloseTo(0.0021, 4);
  });

  it.each([2 ** -13, 2 ** -16, 0.001, 0.0173, 0.25, 1.7])('is off by at most 0.0023 with scale %d', (scale) => {
    const exponential = createIntegerExponential(scale);
    let worst = 0;
    for (let integer = 0; integer * scale > -40; integer--) {
      const value = exponential(integer);
      if (!Number.isInteger(value) || value < 0 || value >= 2 ** 28) expect.fail(`${value} at ${integer}`);
      worst = Math.max(worst, Math.abs(value * EXPONENTIAL_SCALE - Math.exp(integer * scale)));
    }
    expect(worst).toBeLessThan(0.0023);
    expect(exponential(-(2 ** 31))).toBe(0);
  });
});

describe('integer softmax', () => {
  it.each([8, 16])('is off by at most 0.001 and half a unit with %d output bits', (bits) => {
    for (const { integers, scale } of randomRows(71, 2000)) {
      const shares = integerSoftmax({ integers, scale }, integers.length, bits);
      const expected = softmax(Array.from(integers, (integer) => integer * scale));
      const got = Array.from(shares.integers, (share) => share * shares.scale);
      expect(largestDifference(got, expected)).toBeLessThan(0.001 + 0.5 * 2 ** -bits);
    }
  });

  it('gives equal inputs equal shares, row by row', () => {
    const rows = { integers: Int32Array.of(5, 5, 5, 5, -100, 100, 100, -100), scale: 1 };
    expect(Array.from(integerSoftmax(rows, 4, 8).integers)).toEqual([64, 64, 64, 64, 0, 128, 128, 0]);
    expect(() => integerSoftmax(rows, 3, 8)).toThrow(/rows of 3/);
    expect(() => integerSoftmax(rows, 4, 21)).toThrow(/20 output bits/);
  });
});

describe('Taylor softmax', () => {
  it('is the share of 1 + z + z^2/2 + ...', () => {
    expect(taylorExponential(-2, 2)).toBe(1);
    expect(taylorExponential(1, 4)).toBeCloseTo(1 + 1 + 1 / 2 + 1 / 6 + 1 / 24, 14);
    const values = Float32Array.of(0, 1, 2, -1);
    taylorSoftmax(values, 2, 2);
    // Weights 1 and 2.5; then 5 and 0.5.
    expect(Array.from(values)).toEqual([1 / 3.5, 2.5 / 3.5, 5 / 5.5, 0.5 / 5.5].map(Math.fround));
  });

  it('nears softmax as the order grows', () => {
    const row = [0.5, -1, 1.5, 2, -2];
    const errorOf = (order: number): number => {
      const values = Float32Array.from(row);
      taylorSoftmax(values, row.length, order);
      return largestDifference(values, softmax(row));
    };
    const errors = [2, 4, 6, 8, 10].map(errorOf);
    errors.slice(1).forEach((error, index) => expect(error).toBeLessThan(errors[index]!));
    expect(errors[0]).toBeLessThan(0.11);
    expect(errors[4]).toBeLessThan(1e-3);
    expect(() => errorOf(3)).toThrow(/even orders/);
  });

  it('in integers is off from the real one by at most 0.001 and half a unit', () => {
    for (const { integers, scale } of randomRows(73, 2000).filter(({ scale }) => scale < 1)) {
      const shares = integerTaylorSoftmax({ integers, scale }, integers.length, 16);
      const expected = Float32Array.from(integers, (integer) => integer * scale);
      taylorSoftmax(expected, integers.length, 2);
      const got = Array.from(shares.integers, (share) => share * shares.scale);
      expect(largestDifference(got, expected)).toBeLessThan(0.001 + 0.5 * 2 ** -16);
    }
    expect(() => integerTaylorSoftmax({ integers: Int32Array.of(127), scale: 2 }, 1, 8)).toThrow(/32 bits/);
  });
});
