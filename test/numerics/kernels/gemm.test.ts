import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Gemm } from '../../../src/numerics/kernels/gemm.ts';
import { kernels, random, releaseAll, SEED, Sums } from './support.ts';

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly leftTransposed: boolean;
  readonly rightTransposed: boolean;
  readonly accumulate: boolean;
  /** Unused elements between the rows of left, right and result. */
  readonly gaps: readonly [number, number, number];
}

/** Ones, less than a tile, primes, and more than a block of rows, depth or columns. */
function size(large: number): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(1) },
    { weight: 4, arbitrary: fc.integer({ min: 2, max: 9 }) },
    { weight: 4, arbitrary: fc.constantFrom(11, 13, 17, 31, 61, 97, 127) },
    { weight: 2, arbitrary: fc.integer({ min: 10, max: 80 }) },
    { weight: 1, arbitrary: fc.integer({ min: large - 3, max: large + 20 }) },
  );
}

const CASES: fc.Arbitrary<Case> = fc
  .record({
    m: size(256),
    n: size(512),
    k: size(256),
    leftTransposed: fc.boolean(),
    rightTransposed: fc.boolean(),
    accumulate: fc.boolean(),
    gaps: fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5)),
  })
  .filter(({ m, n, k }) => m * n * k <= 4_000_000);

/** The stored rows, columns and stride of the three matrices. */
function stored({ m, n, k, leftTransposed, rightTransposed, gaps }: Case) {
  const [leftRows, leftColumns] = leftTransposed ? [k, m] : [m, k];
  const [rightRows, rightColumns] = rightTransposed ? [n, k] : [k, n];
  return {
    left: { rows: leftRows, stride: leftColumns + gaps[0] },
    right: { rows: rightRows, stride: rightColumns + gaps[1] },
    result: { rows: m, stride: n + gaps[2] },
  };
}

function check(shape: Case): void {
  const { m, n, k, leftTransposed, rightTransposed, accumulate } = shape;
  const { left: leftSize, right: rightSize, result: resultSize } = stored(shape);
  const left = random(leftSize.rows * leftSize.stride, SEED);
  const right = random(rightSize.rows * rightSize.stride, SEED + 1);
  const result = random(resultSize.rows * resultSize.stride, SEED + 2);
  const sums = new Sums(result.length);
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < resultSize.stride; column++) {
      const index = row * resultSize.stride + column;
      if (accumulate || column >= n) sums.add(index, result[index]!);
      for (let depth = 0; depth < k && column < n; depth++) {
        const from = leftTransposed ? depth * leftSize.stride + row : row * leftSize.stride + depth;
        const by = rightTransposed ? column * rightSize.stride + depth : depth * rightSize.stride + column;
        sums.add(index, left[from]! * right[by]!);
      }
    }
  }
  const strides = { leftStride: leftSize.stride, rightStride: rightSize.stride, resultStride: resultSize.stride };
  kernels.gemm({ ...{ m, n, k, left, right, result, leftTransposed, rightTransposed, accumulate }, ...strides });
  sums.expectClose(result, 'result');
  releaseAll(left, right, result);
}

describe('gemm', () => {
  it(`equals the triple loop within the rounding of single precision (seed ${SEED})`, () => {
    fc.assert(fc.property(CASES, check), { seed: SEED, numRuns: 400 });
  });

  it.each([
    [3, 5, 1025],
    [257, 513, 3],
    [257, 9, 2050],
    [1, 1, 5000],
  ])('takes %ix%i by depth %i in parts', (m, n, k) => {
    for (const transposed of [false, true]) {
      const flags = { leftTransposed: transposed, rightTransposed: transposed, accumulate: transposed };
      check({ m, n, k, ...flags, gaps: [0, 1, 2] });
    }
  });

  it('adds in the same order whichever part of the result is asked for', () => {
    const [m, n, k] = [37, 61, 700];
    const [left, right, whole, split] = [random(m * k, 1), random(k * n, 2), random(m * n, 3), random(m * n, 4)];
    const product: Gemm = { m, n, k, left, right, result: whole };
    kernels.gemm(product);
    const [rows, columns] = [13, 22];
    const strides = { rightStride: n, resultStride: n };
    for (const [row, rowCount] of [
      [0, rows],
      [rows, m - rows],
    ] as const) {
      for (const [column, columnCount] of [
        [0, columns],
        [columns, n - columns],
      ] as const) {
        kernels.gemm({
          ...{ m: rowCount, n: columnCount, k, ...strides },
          left: left.subarray(row * k),
          right: right.subarray(column),
          result: split.subarray(row * n + column),
        });
      }
    }
    expect(split).toEqual(whole);
    releaseAll(left, right, whole, split);
  });

  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('adds in the same order row by row, left transposed: %s, right: %s', (leftTransposed, rightTransposed) => {
    const [m, n, k] = [5, 43, 523];
    const [left, right, whole, rows] = [random(m * k, 1), random(k * n, 2), random(m * n, 3), random(m * n, 3)];
    const product = { n, k, right, leftTransposed, rightTransposed, accumulate: true };
    kernels.gemm({ ...product, m, left, result: whole });
    for (let row = 0; row < m; row++)
      kernels.gemm({
        ...{ ...product, m: 1, leftStride: leftTransposed ? m : k },
        left: left.subarray(leftTransposed ? row : row * k),
        result: rows.subarray(row * n, (row + 1) * n),
      });
    expect(rows).toEqual(whole);
    releaseAll(left, right, whole, rows);
  });

  it('a column times a row is rounded once, and is 0, not -0, where a factor is 0', () => {
    const [m, n] = [7, 11];
    const [column, row, result] = [random(m, 1), random(n, 2), random(m * n, 3)];
    column[2] = -0;
    kernels.gemm({ m, n, k: 1, left: column, right: row, result });
    const products = [...column].flatMap((left) => [...row].map((right) => Math.fround(left * right) + 0));
    expect([...result]).toEqual(products);
    releaseAll(column, row, result);
  });

  it('refuses sizes that do not fit and arrays from elsewhere', () => {
    const [left, right, result] = [random(6, 1), random(6, 2), random(4, 3)];
    const product: Gemm = { m: 2, n: 2, k: 3, left, right, result };
    expect(() => kernels.gemm({ ...product, k: 4 })).toThrow('a matrix of 2x4 with stride 4 in an array of 6');
    expect(() => kernels.gemm({ ...product, m: 0 })).toThrow('a matrix of 0x3');
    expect(() => kernels.gemm({ ...product, n: 1.5 })).toThrow('a matrix of 3x1.5');
    expect(() => kernels.gemm({ ...product, resultStride: 1 })).toThrow('with stride 1');
    expect(() => kernels.gemm({ ...product, right: new Float32Array(6) })).toThrow('outside the kernels’ memory');
    releaseAll(left, right, result);
  });
});
