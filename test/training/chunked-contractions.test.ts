import { describe, expect, it } from 'vitest';
import { FLOAT_FORMATS } from '../../src/numerics/formats/float-format.ts';
import { NEAREST_EVEN } from '../../src/numerics/formats/rounding.ts';
import type { ConvSizes } from '../../src/numerics/ops/contraction.ts';
import { plainContractions } from '../../src/numerics/ops/plain-contractions.ts';
import { Random } from '../../src/numerics/random.ts';
import { chunkedContractions } from '../../src/training/chunked-contractions.ts';
import { learner, trainAll } from './learning.ts';

const { fp16, fp32 } = FLOAT_FORMATS;
const fp16In = (chunkElements: number) => chunkedContractions({ format: fp16, rounding: NEAREST_EVEN, chunkElements });
const inFp32 = chunkedContractions({ format: fp32, rounding: NEAREST_EVEN, chunkElements: 16 });

function drawn(length: number, seed: number): Float32Array {
  const random = Random.seeded(seed);
  return Float32Array.from({ length }, () => random.normal());
}

function close(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(found).toHaveLength(expected.length);
  for (let index = 0; index < expected.length; index++) expect(found[index]).toBeCloseTo(expected[index]!, 4);
}

const SIZES: ConvSizes = {
  ...{ n: 2, c: 4, h: 5, w: 4, k: 6, r: 3, s: 2, p: 3, q: 3, groups: 2 },
  ...{ stride: [2, 1], padding: [1, 1, 0, 0], dilation: [1, 1] },
};
const [OPERANDS, WEIGHTS, RESULTS] = [2 * 4 * 5 * 4, 6 * 2 * 3 * 2, 2 * 6 * 3 * 3];

describe('sums in a narrow accumulator', () => {
  it.each([false, true])('are those of plain products where the accumulator is wide, transposed: %s', (transposed) => {
    const [m, n, k] = [3, 4, 37];
    const at = (values: Float32Array, rows: number, columns: number) => ({
      ...{ values, offset: 0, transposed },
      leadingDimension: transposed ? rows : columns,
    });
    const [left, right] = [at(drawn(m * k, 1), m, k), at(drawn(k * n, 2), k, n)];
    const product = (contractions = inFp32): Float32Array => {
      const values = new Float32Array(m * n).fill(2);
      contractions.gemm(m, n, k, left, right, { values, offset: 0, leadingDimension: n, transposed: false }, 1);
      return values;
    };
    close(product(), product(plainContractions()));
  });

  it('are those of plain convolutions where the accumulator is wide, forward and backward', () => {
    const [operand, weights, gradient] = [drawn(OPERANDS, 1), drawn(WEIGHTS, 2), drawn(RESULTS, 3)];
    const all = ({ convForward, convInputGradient, convWeightGradient } = inFp32): Float32Array[] => {
      const results = [RESULTS, OPERANDS, WEIGHTS].map((length) => new Float32Array(length));
      convForward(SIZES, operand, weights, results[0]!);
      convInputGradient(SIZES, gradient, weights, results[1]!);
      convWeightGradient(SIZES, operand, gradient, results[2]!);
      return results;
    };
    const expected = all(plainContractions());
    for (const [index, found] of all().entries()) close(found, expected[index]!);
  });

  // 1 + 2048 * 2^-11: each addition of 2^-11 to 1 is a tie in fp16 and goes to even, 1. A chunk of 64 without the 1 holds 2^-5.
  it.each([
    [4096, 1],
    [64, 1 + 31 * 2 ** -5],
  ])('lose what is small beside the sum, in chunks of %i to %f', (chunkElements, expected) => {
    const k = 64 * 32;
    const values = new Float32Array(k).fill(2 ** -11);
    values[0] = 1;
    const ones = new Float32Array(k).fill(1);
    const result = new Float32Array(1);
    fp16In(chunkElements).gemm(
      ...([1, 1, k] as const),
      { values, offset: 0, leadingDimension: k, transposed: false },
      { values: ones, offset: 0, leadingDimension: 1, transposed: false },
      { values: result, offset: 0, leadingDimension: 1, transposed: false },
      0,
    );
    expect(result[0]).toBe(expected);
  });

  it('train a network', () => {
    expect(trainAll(learner({ contractions: fp16In(8) }), 1).testAccuracy()).toBeGreaterThan(0.9);
  });
});
