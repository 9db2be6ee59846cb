import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernels, random, releaseAll, SEED } from './support.ts';

/** A weight after a step, by definition: in double precision, rounded once. */
function descended(weight: number, gradient: number, rate: number, factor: number, decay: number): number {
  return Math.fround(weight - rate * (gradient * factor + decay * weight));
}

const FACTORS = fc.tuple(
  fc.double({ min: 1e-4, max: 1, noNaN: true }),
  fc.constantFrom(1, 1 / 1024, 0.3),
  fc.constantFrom(0, 1e-4, 0.1),
);

describe('passes over all weights', () => {
  it('look at every element for NaN and infinity', () => {
    for (const length of [1, 3, 4, 9]) {
      const values = random(length, 1);
      values[0] = 3.4028234663852886e38;
      expect(kernels.allFinite(values)).toBe(true);
      for (const bad of [Number.NaN, Infinity, -Infinity])
        for (let index = 0; index < length; index++) {
          const before = values[index]!;
          values[index] = bad;
          expect(kernels.allFinite(values), `${bad} at ${index} of ${length}`).toBe(false);
          values[index] = before;
        }
      releaseAll(values);
    }
  });

  it(`descend along gradients, rounded once (seed ${SEED})`, () => {
    const descends = fc.property(fc.integer({ min: 1, max: 40 }), FACTORS, (length, [rate, factor, decay]) => {
      const [weights, gradients] = [random(length, 1), random(length, 2)];
      const expected = [...weights].map((weight, at) => descended(weight, gradients[at]!, rate, factor, decay));
      kernels.descend(weights, gradients, rate, factor, decay);
      expect([...weights]).toEqual(expected);
      releaseAll(weights, gradients);
    });
    fc.assert(descends, { seed: SEED, numRuns: 100 });
  });

  it(`descend along a column times a row, each product rounded first, zeros in the column included (seed ${SEED})`, () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 13 }));
    const descends = fc.property(sizes, FACTORS, ([rows, columns], [rate, factor, decay]) => {
      const [weights, column, row] = [random(rows * columns, 1), random(rows, 2), random(columns, 3)];
      for (let index = 0; index < rows; index += 3) column[index] = index % 2 === 0 ? 0 : -0;
      const expected = [...weights].map((weight, at) => {
        const gradient = Math.fround(column[Math.floor(at / columns)]! * row[at % columns]!);
        return descended(weight, gradient, rate, factor, decay);
      });
      kernels.descendAlong(weights, column, row, rate, factor, decay);
      expect([...weights]).toEqual(expected);
      releaseAll(weights, column, row);
    });
    fc.assert(descends, { seed: SEED, numRuns: 100 });
  });

  it('refuse arrays that do not fit or lie elsewhere', () => {
    const [weights, gradients] = [random(6, 1), random(5, 2)];
    expect(() => kernels.descend(weights, gradients, 1, 1, 0)).toThrow('the weights have 6 elements, not 5');
    expect(() => kernels.descendAlong(weights, gradients, gradients, 1, 1, 0)).toThrow('have 6 elements, not 25');
    expect(() => kernels.allFinite(new Float32Array(3))).toThrow('outside the kernels’ memory');
    releaseAll(weights, gradients);
  });
});
