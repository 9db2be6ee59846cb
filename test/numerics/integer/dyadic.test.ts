import { describe, expect, it } from 'vitest';
import { scaleByDyadic, toDyadic } from '../../../src/numerics/integer/dyadic.ts';
import { rescale } from '../../../src/numerics/integer/integer-tensor.ts';
import { seededWords } from '../formats/random.ts';

describe('dyadic factors', () => {
  it('are within 2^-22 of the real factor', () => {
    const random = seededWords(61);
    for (let count = 0; count < 10_000; count++) {
      const factor = (1 + random() / 2 ** 32) * 2 ** ((random() % 80) - 40);
      const { multiplier, shift } = toDyadic(factor);
      expect(Number.isInteger(multiplier) && multiplier <= 2 ** 22).toBe(true);
      expect(Math.abs((multiplier * 2 ** -shift) / factor - 1)).toBeLessThanOrEqual(2 ** -22);
    }
    expect(() => toDyadic(0)).toThrow(/factor of 0/);
  });

  it('scale as 64-bit integers do: product, half, shift', () => {
    const random = seededWords(67);
    for (let count = 0; count < 20_000; count++) {
      const integer = random() | 0;
      const factor = toDyadic((1 + random() / 2 ** 32) * 2 ** ((random() % 60) - 50));
      const product = BigInt(integer) * BigInt(factor.multiplier);
      const { shift } = factor;
      const exact = shift > 0 ? (product + (1n << BigInt(shift - 1))) >> BigInt(shift) : product << BigInt(-shift);
      expect(scaleByDyadic(integer, factor) + 0).toBe(Number(exact));
    }
  });

  it('bring a 32-bit result to 8 bits', () => {
    const wide = { integers: Int32Array.of(1000, -1000, 50, 1e9, -1e9), scale: 0.01 };
    expect(rescale(wide, 0.1, 8)).toEqual({ integers: Int32Array.of(100, -100, 5, 127, -128), scale: 0.1 });
  });
});
