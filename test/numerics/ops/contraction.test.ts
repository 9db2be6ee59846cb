import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConvSizes, Matrix } from '../../../src/numerics/ops/contraction.ts';
import { plainContractions } from '../../../src/numerics/ops/plain-contractions.ts';
import type { Values } from '../../../src/numerics/ops/values.ts';
import { Random } from '../../../src/numerics/random.ts';

const plain = plainContractions('float64');

function numbers(length: number, seed: number): Values {
  const random = Random.seeded(seed);
  return plain.allocate(length).map(() => random.normal());
}

function expectClose(result: Values, expected: Values): void {
  result.forEach((value: number, at: number) => expect(Math.abs(value - expected[at]!)).toBeLessThan(1e-9));
}

/** An operand inside a larger array, and how to read element (row, column) of the matrix it stands for. */
function operand(
  rows: number,
  columns: number,
  transposed: boolean,
  seed: number,
): [Matrix, (row: number, column: number) => number] {
  const [offset, leadingDimension] = [3, (transposed ? rows : columns) + 2];
  const values = numbers(offset + (transposed ? columns : rows) * leadingDimension, seed);
  const read = (row: number, column: number): number =>
    values[offset + (transposed ? column * leadingDimension + row : row * leadingDimension + column)]!;
  return [{ values, offset, leadingDimension, transposed }, read];
}

describe('gemm', () => {
  const size = fc.integer({ min: 1, max: 9 });
  it('is the sum of products, in any layout, and leaves its surroundings alone', () => {
    fc.assert(
      fc.property(
        size,
        size,
        size,
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(0 as const, 1 as const),
        (m, n, k, ta, tb, beta) => {
          const [left, a] = operand(m, k, ta, 1);
          const [right, b] = operand(k, n, tb, 2);
          const [result] = operand(m, n, false, 3);
          const expected = result.values.slice();
          for (let row = 0; row < m; row++)
            for (let column = 0; column < n; column++) {
              const at = result.offset + row * result.leadingDimension + column;
              let sum = beta * expected[at]!;
              for (let inner = 0; inner < k; inner++) sum += a(row, inner) * b(inner, column);
              expected[at] = sum;
            }
          plain.gemm(m, n, k, left, right, result, beta);
          expectClose(result.values, expected);
        },
      ),
    );
  });

  it('works across its blocks', () => {
    const [m, n, k] = [3, 1030, 300];
    const [left, a] = operand(m, k, false, 1);
    const [right, b] = operand(k, n, false, 2);
    const [result, c] = operand(m, n, false, 3);
    plain.gemm(m, n, k, left, right, result, 0);
    for (const column of [0, 511, 512, 1029]) {
      let sum = 0;
      for (let inner = 0; inner < k; inner++) sum += a(2, inner) * b(inner, column);
      expect(c(2, column)).toBeCloseTo(sum, 9);
    }
  });
});

/** Visits every product of a convolution: elements of operand, weights and result that belong together. */
function forEachProduct(sizes: ConvSizes, visit: (operand: number, weight: number, result: number) => void): void {
  const { n, c, h, w, k, r, s, p, q, stride, padding, dilation, groups } = sizes;
  const [channels, filters] = [c / groups, k / groups];
  for (let sample = 0; sample < n; sample++)
    for (let filter = 0; filter < k; filter++)
      for (let y = 0; y < p; y++)
        for (let x = 0; x < q; x++)
          for (let channel = 0; channel < channels; channel++)
            for (let tapY = 0; tapY < r; tapY++)
              for (let tapX = 0; tapX < s; tapX++) {
                const row = y * stride[0] + tapY * dilation[0] - padding[0];
                const column = x * stride[1] + tapX * dilation[1] - padding[1];
                if (row < 0 || row >= h || column < 0 || column >= w) continue;
                const plane = sample * c + Math.floor(filter / filters) * channels + channel;
                visit(
                  (plane * h + row) * w + column,
                  ((filter * channels + channel) * r + tapY) * s + tapX,
                  ((sample * k + filter) * p + y) * q + x,
                );
              }
}

const pair = (least: number, most: number) =>
  fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }));
const shapes = fc
  .record({
    n: fc.integer({ min: 1, max: 2 }),
    groups: fc.integer({ min: 1, max: 3 }),
    channels: pair(1, 2),
    image: pair(3, 7),
    kernel: pair(1, 3),
    stride: pair(1, 3),
    dilation: pair(1, 2),
    before: pair(0, 2),
    after: pair(0, 2),
  })
  .map(({ n, groups, channels, image, kernel, stride, dilation, before, after }): ConvSizes => {
    const length = (axis: 0 | 1): number =>
      Math.floor((image[axis] + before[axis] + after[axis] - (kernel[axis] - 1) * dilation[axis] - 1) / stride[axis]) +
      1;
    const [h, w] = image;
    const [r, s] = kernel;
    const padding = [before[0], before[1], after[0], after[1]] as const;
    const [c, k] = [channels[0] * groups, channels[1] * groups];
    return { n, c, h, w, k, r, s, p: length(0), q: length(1), stride, padding, dilation, groups };
  })
  .filter(({ p, q }) => p > 0 && q > 0);

describe('convolution', () => {
  it('forward and both gradients are their sums of products', () => {
    fc.assert(
      fc.property(shapes, (sizes) => {
        const { n, c, h, w, k, r, s, p, q, groups } = sizes;
        const input = numbers(n * c * h * w, 1);
        const weights = numbers((k * c * r * s) / groups, 2);
        const gradient = numbers(n * k * p * q, 3);
        const expected = [input, weights, gradient].map(({ length }) => plain.allocate(length)) as [
          Values,
          Values,
          Values,
        ];
        forEachProduct(sizes, (from, weight, to) => {
          expected[2][to]! += input[from]! * weights[weight]!;
          expected[0][from]! += gradient[to]! * weights[weight]!;
          expected[1][weight]! += gradient[to]! * input[from]!;
        });
        const [inputGradient, weightGradient, result] = expected.map(({ length }, index) =>
          numbers(length, 9 + index),
        ) as [Values, Values, Values];
        plain.convForward(sizes, input, weights, result);
        plain.convInputGradient(sizes, gradient, weights, inputGradient);
        plain.convWeightGradient(sizes, input, gradient, weightGradient);
        expectClose(result, expected[2]);
        expectClose(inputGradient, expected[0]);
        expectClose(weightGradient, expected[1]);
      }),
    );
  });
});
