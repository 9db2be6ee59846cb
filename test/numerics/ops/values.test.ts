import { describe, expect, it } from 'vitest';
import { ACTIVATIONS } from '../../../src/numerics/ops/activation.ts';
import { errorFunction } from '../../../src/numerics/ops/error-function.ts';
import { gather, scatter, scatterRows } from '../../../src/numerics/ops/gather.ts';
import { localResponse } from '../../../src/numerics/ops/local-response.ts';
import { crossEntropy } from '../../../src/numerics/ops/loss.ts';
import { triangle, upsample } from '../../../src/numerics/ops/move.ts';
import { normalise, normSizes } from '../../../src/numerics/ops/normalisation.ts';
import { averagePool, maxPool, maxPoolGradient, type PoolSizes } from '../../../src/numerics/ops/pool.ts';
import { planRows, repeatedStrides } from '../../../src/numerics/ops/rows.ts';
import { softmax } from '../../../src/numerics/ops/softmax.ts';
import type { Values } from '../../../src/numerics/ops/values.ts';

const values = (...numbers: number[]): Values => new Float64Array(numbers);
const blank = (length: number): Values => new Float64Array(length);

function expectClose(result: Values, expected: readonly number[]): void {
  expect(result).toHaveLength(expected.length);
  result.forEach((value: number, at: number) => expect(value).toBeCloseTo(expected[at]!, 12));
}

describe('error function', () => {
  it('equals its series 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (2n+1)!! to 2e-15', () => {
    for (let x = -6.5; x <= 6.5; x += 0.0137) {
      let [term, sum] = [x, x];
      for (let n = 1; n < 400; n++) sum += term *= (2 * x * x) / (2 * n + 1);
      const series = (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
      expect(Math.abs(errorFunction(x) - series), `erf(${x})`).toBeLessThan(2e-15);
    }
  });
});

describe('activations', () => {
  it.each([
    ['relu', [0, 0, 0.5, 4, 7]],
    ['relu6', [0, 0, 0.5, 4, 6]],
    ['leaky-relu', [-0.04, -0.01, 0.5, 4, 7]],
    ['hardswish', [0, -1 / 3, 0.5 * (3.5 / 6), 4, 7]],
    // 1 / (1 + e) = 0.2689414213699951, and the standard normal below -1 is 0.15865525393145705 (tables).
    [
      'silu',
      [
        -4 / (1 + Math.exp(4)),
        -0.2689414213699951,
        0.5 / (1 + Math.exp(-0.5)),
        4 / (1 + Math.exp(-4)),
        7 / (1 + Math.exp(-7)),
      ],
    ],
  ])('%s', (name, expected) => {
    expectClose(values(-4, -1, 0.5, 4, 7).map(ACTIVATIONS[name]!.value), expected);
  });

  it('gelu is the one by the error function', () => {
    expect(ACTIVATIONS['gelu']!.value(-1)).toBeCloseTo(-0.15865525393145705, 14);
  });
});

describe('pooling', () => {
  // 1 2 3 / 4 5 6 / 7 8 9, windows of 2 at steps of 2, one row and column of padding above and left.
  const sizes: PoolSizes = {
    planes: 1,
    height: 3,
    width: 3,
    outHeight: 2,
    outWidth: 2,
    window: [2, 2],
    stride: [2, 2],
    padding: [1, 1, 0, 0],
  };
  const image = values(1, 2, 3, 4, 5, 6, 7, 8, 9);

  it('leaves padding out', () => {
    const result = blank(4);
    maxPool(
      sizes,
      image.map((one) => -one),
      result,
    );
    expectClose(result, [-1, -2, -4, -5]);
    averagePool(sizes, image, result);
    expectClose(result, [1, 2.5, 5.5, 7]);
  });

  it('gives the gradient of a maximum to the first of equals', () => {
    const result = blank(9);
    maxPoolGradient(sizes, values(1, 2, 3, 4), values(0, 1, 1, 2, 0, 0, 2, 0, 0), result);
    expectClose(result, [1, 2, 0, 3, 4, 0, 0, 0, 0]);
  });
});

describe('normalisation', () => {
  const map = values(1, 3, 2, 6, 10, 20, 0, 4, 5, 9, 7, 7, 1, 5, 3, 3);
  const normal = (of: readonly number[], x: number): number => {
    const mean = of.reduce((sum, one) => sum + one, 0) / of.length;
    return (x - mean) / Math.sqrt(of.reduce((sum, one) => sum + (one - mean) ** 2, 0) / of.length + 1e-5);
  };
  // [2, 4, 1, 2]: the elements that share statistics with the first one, 1.
  it.each([
    ['batch', [1, 3, 5, 9]],
    ['instance', [1, 3]],
    ['group', [1, 3, 2, 6]],
    ['layer', [1, 3, 2, 6, 10, 20, 0, 4]],
  ] as const)('%s', (name, shared) => {
    const result = blank(16);
    normalise(normSizes(name, [2, 4, 1, 2]), map, values(2, 1, 1, 1), values(0.5, 0, 0, 0), result);
    expect(result[0]).toBeCloseTo(2 * normal(shared, 1) + 0.5, 12);
  });

  it('normalises each position of a sequence over its width', () => {
    const result = blank(16);
    normalise(normSizes('layer', [2, 2, 4]), map, values(1, 1, 1, 1), blank(4), result);
    expect(result[5]).toBeCloseTo(normal([10, 20, 0, 4], 20), 12);
  });

  it('local response divides by five neighbouring channels', () => {
    const result = blank(4);
    localResponse({ samples: 1, channels: 4, positions: 1 }, values(10, 20, 30, 40), result);
    expectClose(result, [10 / (2 + 0.14) ** 0.75, 20 / 2.3 ** 0.75, 30 / 2.3 ** 0.75, 40 / 2.29 ** 0.75]);
  });
});

describe('softmax and loss', () => {
  it('stand large and hidden scores', () => {
    const result = blank(3);
    softmax(3, values(1000, 1000 + Math.log(3), -Infinity), result);
    expectClose(result, [0.25, 0.75, 0]);
  });

  it('is the mean over positions of minus the logarithm of the target class', () => {
    // Channels of two pixels: [0, log 3], [log 2, 0], both shifted: softmax 1/3, 2/3 and 3/4, 1/4.
    const scores = values(0, Math.log(3), Math.log(2), 0).map((one) => one + 500);
    const sizes = { outer: 1, classes: 2, inner: 2, probabilities: false };
    expect(crossEntropy(sizes, scores, values(0, 1))).toBeCloseTo((Math.log(3) + Math.log(4)) / 2, 12);
    const rows = { outer: 2, classes: 2, inner: 1, probabilities: true };
    expect(crossEntropy(rows, values(0.5, 0.5, 0.2, 0.8), values(0, 1))).toBeCloseTo(
      (Math.log(2) - Math.log(0.8)) / 2,
      12,
    );
  });
});

describe('rows of a table', () => {
  const sizes = { width: 2, picks: 2 };
  const indices = values(1, 2, 2, 2);

  it('are summed up, and their gradients come back together', () => {
    const bags = blank(4);
    gather(sizes, values(1, 2, 3, 4, 5, 6), indices, bags);
    expectClose(bags, [8, 10, 10, 12]);
    const table = blank(6);
    scatter(sizes, values(1, 10, 100, 1000), indices, table);
    expectClose(table, [0, 0, 1, 10, 201, 2010]);
  });

  it('are collected by row where few of a large table are read', () => {
    const [slots, rowOf, sums] = [new Int32Array(3).fill(-1), new Int32Array(3), values(7, 7, 7, 7, 7, 7)];
    expect(scatterRows(sizes, values(1, 10, 100, 1000), indices, slots, rowOf, sums)).toBe(2);
    expect([...rowOf.slice(0, 2)]).toEqual([1, 2]);
    expectClose(sums.slice(0, 4), [1, 10, 201, 2010]);
    expect([...slots]).toEqual([-1, -1, -1]);
  });
});

describe('moves', () => {
  it('upsample repeats, triangle takes pairs below the diagonal', () => {
    const large = blank(8);
    upsample({ planes: 1, height: 1, width: 2, scaleY: 2, scaleX: 2 }, values(1, 2), large);
    expectClose(large, [1, 1, 2, 2, 1, 1, 2, 2]);
    const pairs = blank(3);
    triangle(3, values(0, 1, 2, 3, 4, 5, 6, 7, 8), pairs);
    expectClose(pairs, [3, 6, 7]);
  });
});

describe('walks', () => {
  it('join axes that all operands pass evenly', () => {
    const whole = repeatedStrides([2, 3, 4], [2, 3, 4])!;
    expect(planRows([2, 3, 4], [whole])).toMatchObject({ rows: 1, length: 24, steps: [1] });
    const channels = planRows([2, 3, 4], [whole, [0, 1, 0]]);
    expect(channels).toMatchObject({ rows: 6, length: 4, steps: [1, 0] });
    expect([...channels.starts[1]!]).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it('refuse shapes that do not fit', () => {
    expect(repeatedStrides([2, 3], [3])).toBeNull();
    expect(repeatedStrides([2], [3])).toBeNull();
  });
});
