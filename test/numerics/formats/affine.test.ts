import { describe, expect, it } from 'vitest';
import { affineGrid, dequantizeValue, quantizeValue } from '../../../src/numerics/formats/affine.ts';
import {
  dequantizeAffine,
  measureGrids,
  perTensor,
  quantizeAffine,
} from '../../../src/numerics/formats/affine-tensor.ts';
import { NEAREST_EVEN, stochastic } from '../../../src/numerics/formats/rounding.ts';
import { seededWords } from './random.ts';

const ASYMMETRIC = { bits: 8, symmetric: false } as const;
const SYMMETRIC = { bits: 8, symmetric: true } as const;

describe('grids', () => {
  it('the scale is (maximum - minimum) / (2^bits - 1), as in the lectures', () => {
    expect(affineGrid(-1, 1.55, ASYMMETRIC)).toEqual({
      scale: Math.fround(2.55 / 255),
      zeroPoint: -28,
      lowest: -128,
      highest: 127,
    });
    expect(affineGrid(0, 15, { bits: 4, symmetric: false })).toEqual({
      scale: 1,
      zeroPoint: -8,
      lowest: -8,
      highest: 7,
    });
  });

  it('symmetric: zero point 0 and as many integers on both sides', () => {
    expect(affineGrid(-2.54, 1, SYMMETRIC)).toEqual({
      scale: Math.fround(0.02),
      zeroPoint: 0,
      lowest: -127,
      highest: 127,
    });
    expect(affineGrid(-1, 7, { bits: 4, symmetric: true })).toMatchObject({ scale: 1, lowest: -7, highest: 7 });
  });

  it('0 is always on the grid, also where the range lies to one side', () => {
    for (const [low, high] of [
      [3, 5],
      [-5, -3],
      [-0.7, 1.3],
      [0, 0],
    ] as const) {
      const grid = affineGrid(low, high, ASYMMETRIC);
      expect(dequantizeValue(quantizeValue(0, grid, NEAREST_EVEN), grid)).toBe(0);
    }
    expect(affineGrid(0, 0, ASYMMETRIC).scale).toBe(1);
  });

  it('refuses what has no range', () => {
    expect(() => affineGrid(1, 0, ASYMMETRIC)).toThrow(/1 \.\.\. 0/);
    expect(() => affineGrid(0, Number.NaN, ASYMMETRIC)).toThrow(/NaN/);
  });
});

describe('quantisation', () => {
  const random = seededWords(41);
  const values = Float32Array.from({ length: 6000 }, (_, index) => (random() / 2 ** 31 - 0.8) * (1 + (index % 5)));

  it.each([
    { bits: 8, symmetric: false },
    { bits: 8, symmetric: true },
    { bits: 4, symmetric: false },
    { bits: 4, symmetric: true },
  ] as const)('is off by at most half a scale: $bits bits, symmetric $symmetric', (options) => {
    const layout = perTensor(values.length);
    const grids = measureGrids(values, layout, options);
    const back = dequantizeAffine(quantizeAffine(values, layout, grids, NEAREST_EVEN));
    // The scale and the result are fp32 numbers, which adds 2^-23 of the value.
    values.forEach((value, index) => {
      const bound = grids[0]!.scale / 2 + Math.abs(value) * 2 ** -22;
      if (Math.abs(back[index]! - value) > bound) expect.fail(`${value} came back as ${back[index]}`);
    });
  });

  it('each channel has its own grid, on any axis', () => {
    // [2, 3] row by row: channels are the rows, then the columns.
    const matrix = Float32Array.of(-1, 0, 1, -10, 5, 10);
    const rows = measureGrids(matrix, { channels: 2, innerElements: 3 }, SYMMETRIC);
    expect(rows.map(({ scale }) => scale)).toEqual([Math.fround(1 / 127), Math.fround(10 / 127)]);
    const columns = measureGrids(matrix, { channels: 3, innerElements: 1 }, SYMMETRIC);
    expect(columns.map(({ scale }) => scale)).toEqual([10, 5, 10].map((largest) => Math.fround(largest / 127)));
    const quantized = quantizeAffine(matrix, { channels: 3, innerElements: 1 }, columns, NEAREST_EVEN);
    expect(Array.from(quantized.integers)).toEqual([-13, 0, 13, -127, 127, 127]);
  });

  it('values outside the measured range stay at its ends', () => {
    const grid = affineGrid(-1, 1, SYMMETRIC);
    expect(quantizeValue(1e9, grid, NEAREST_EVEN)).toBe(127);
    expect(quantizeValue(-1e9, grid, NEAREST_EVEN)).toBe(-127);
  });

  it('stochastic rounding keeps the mean', () => {
    const grid = affineGrid(-128, 127, ASYMMETRIC);
    const rounding = stochastic(seededWords(3));
    let sum = 0;
    for (let count = 0; count < 100_000; count++) sum += dequantizeValue(quantizeValue(-3.3, grid, rounding), grid);
    // Four standard deviations: 4 * sqrt(0.3 * 0.7 / 100000).
    expect(Math.abs(sum / 100_000 + 3.3)).toBeLessThan(0.0058);
  });

  it('refuses values without a place and layouts that do not divide', () => {
    expect(() => measureGrids(Float32Array.of(1, Number.NaN), perTensor(2), ASYMMETRIC)).toThrow(/element 1 is NaN/);
    expect(() => measureGrids(values, { channels: 7, innerElements: 1 }, ASYMMETRIC)).toThrow(/7 channels/);
  });
});
