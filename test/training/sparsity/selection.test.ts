import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/numerics/random.ts';
import { InputError } from '../../../src/errors.ts';
import { fullMasks, intersection, maskDensity, staying } from '../../../src/training/sparsity/mask.ts';
import { magnitude, optimalBrainDamage } from '../../../src/training/sparsity/saliency.ts';
import { amongAll, criterion, highest, withinEach } from '../../../src/training/sparsity/selection.ts';
import { kernels, ofNeighbours, outputChannels } from '../../../src/training/sparsity/structured.ts';
import { prunableWeights } from '../../../src/training/sparsity/weight-layout.ts';
import { forwardTrace } from '../execute/network.ts';
import { filters, matrix } from './weights.ts';

/** Masks as plain arrays, by name. */
function masksOf(masks: ReadonlyMap<string, Uint8Array>): Record<string, number[]> {
  return Object.fromEntries([...masks].map(([name, mask]) => [name, [...mask]]));
}

describe('pruning by magnitude', () => {
  // Rows are input features, columns outputs.
  const first = matrix('first', 2, 3, [1, -8, 2, 7, -3, 0.5]);
  const second = matrix('second', 1, 2, [0.1, -9]);

  it('keeps the largest of all weights together', () => {
    const masks = criterion(magnitude, amongAll)([first, second], 0.5);
    expect(masksOf(masks)).toEqual({ first: [0, 1, 0, 1, 1, 0], second: [0, 1] });
  });

  it('keeps the largest of each weight', () => {
    const masks = criterion(magnitude, withinEach())([first, second], 0.5);
    expect(masksOf(masks)).toEqual({ first: [0, 1, 0, 1, 1, 0], second: [0, 1] });
    const shares = withinEach((name, keep) => (name === 'second' ? 1 : keep));
    expect(masksOf(criterion(magnitude, shares)([first, second], 1 / 3))).toEqual({
      first: [0, 1, 0, 1, 0, 0],
      second: [1, 1],
    });
  });

  it('keeps exactly as many as asked for among equals, those that come first', () => {
    expect([...highest(Float64Array.of(1, 2, 1, 1, 3), 3)]).toEqual([1, 1, 0, 0, 1]);
    expect([...highest(Float64Array.of(0, 0, 0), 2)]).toEqual([1, 1, 0]);
    expect([...highest(Float64Array.of(1, 2), 0)]).toEqual([0, 0]);
    expect([...highest(Float64Array.of(1, 2), 2)]).toEqual([1, 1]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1 }), fc.nat(20), (values, wanted) => {
        const count = Math.min(wanted, values.length);
        expect(staying(highest(Float64Array.from(values), count))).toBe(count);
      }),
    );
  });
});

describe('optimal brain damage', () => {
  it('keeps small weights where the loss is steep', () => {
    const weight = matrix('first', 2, 2, [1, 2, 3, 4]);
    // h w^2 / 2: 8, 2, 4.5, 0.8
    const curvature = new Map([['first', [16, 1, 1, 0.1]]]);
    const values = optimalBrainDamage(curvature)(weight);
    expect([...values].map((value) => Number(value.toFixed(12)))).toEqual([8, 2, 4.5, 0.8]);
    expect(masksOf(criterion(optimalBrainDamage(curvature), amongAll)([weight], 0.5))).toEqual({
      first: [1, 0, 1, 0],
    });
  });

  it('says by how much a quadratic loss rises, exactly', () => {
    const [curvature, weights] = [
      [3, 0.5],
      [-2, 4],
    ];
    const loss = (at: readonly number[]): number =>
      at.reduce((sum, value, index) => sum + 0.5 * curvature[index]! * (value - weights[index]!) ** 2, 7);
    const weight = matrix('quadratic', 2, 1, weights);
    const rises = optimalBrainDamage(new Map([['quadratic', curvature]]))(weight);
    expect(rises[0]).toBe(loss([0, 4]) - loss(weights));
    expect(rises[1]).toBe(loss([-2, 0]) - loss(weights));
  });
});

describe('structured pruning', () => {
  it('removes output channels with the smallest sums of magnitudes', () => {
    // Columns sum to 5, 4, 6.
    const weight = matrix('columns', 2, 3, [4, 2, 3, -1, 2, 3]);
    expect(masksOf(criterion(magnitude, outputChannels)([weight], 2 / 3))).toEqual({ columns: [1, 0, 1, 1, 0, 1] });
    // Filters sum to 3 and 4.
    const conv = filters('filters', 2, 1, 2, [1, -2, -4, 0]);
    expect(masksOf(criterion(magnitude, outputChannels)([conv], 0.5))).toEqual({ filters: [0, 0, 1, 1] });
    expect(maskDensity(criterion(magnitude, outputChannels)([conv], 0))).toBe(0.5);
  });

  it('removes kernels', () => {
    // Kernels of two taps: 3, 1, 5, 2.
    const conv = filters('filters', 2, 2, 2, [1, 2, 1, 0, -5, 0, 1, 1]);
    expect(masksOf(criterion(magnitude, kernels)([conv], 0.5))).toEqual({ filters: [1, 1, 0, 0, 1, 1, 0, 0] });
  });

  it('keeps 2 of 4 neighbours along the input channels', () => {
    const weight = matrix('matrix', 5, 1, [1, -4, 2, -3, 0.1]);
    expect(masksOf(criterion(magnitude, ofNeighbours(2, 4))([weight], 1))).toEqual({ matrix: [0, 1, 0, 1, 1] });
    // One filter, four channels of two taps each: the taps are groups of their own.
    const conv = filters('filters', 1, 4, 2, [1, 8, 2, 7, 3, 6, 4, 5]);
    expect(masksOf(criterion(magnitude, ofNeighbours(2, 4))([conv], 1))).toEqual({ filters: [0, 1, 0, 1, 1, 0, 1, 0] });
  });

  it('holds N:M in every group of any weight', () => {
    const sizes = fc.record({
      outputs: fc.integer({ min: 1, max: 4 }),
      channels: fc.integer({ min: 1, max: 13 }),
      taps: fc.integer({ min: 1, max: 3 }),
      m: fc.integer({ min: 1, max: 5 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(sizes, ({ outputs, channels, taps, m, seed }) => {
        const n = Math.ceil(m / 2);
        const random = Random.seeded(seed);
        const count = outputs * channels * taps;
        const weight = filters(
          'any',
          outputs,
          channels,
          taps,
          Array.from({ length: count }, () => random.normal()),
        );
        const mask = criterion(magnitude, ofNeighbours(n, m))([weight], 1).get('any')!;
        for (let output = 0; output < outputs; output++)
          for (let tap = 0; tap < taps; tap++)
            for (let start = 0; start < channels; start += m) {
              const size = Math.min(m, channels - start);
              let stays = 0;
              for (let at = start; at < start + size; at++) stays += mask[(output * channels + at) * taps + tap]!;
              expect(stays).toBe(Math.min(n, size));
            }
      }),
    );
  });

  it('refuses N:M that is none', () => {
    expect(() => ofNeighbours(5, 4)).toThrow(InputError);
    expect(() => ofNeighbours(0, 4)).toThrow('0:4');
  });
});

describe('masks', () => {
  it('leave what both leave', () => {
    const both = intersection(
      new Map([['a', Uint8Array.of(1, 1, 0)]]),
      new Map([
        ['a', Uint8Array.of(0, 1, 1)],
        ['b', Uint8Array.of(1, 0)],
      ]),
    );
    expect(masksOf(both)).toEqual({ a: [0, 1, 0], b: [1, 0] });
    expect(maskDensity(both)).toBe(2 / 5);
  });

  it('are for weights of products and convolutions, as they lie', () => {
    const trace = forwardTrace(
      `input: [2, 6, 6]
layers:
  - conv: { name: conv, out: 4, kernel: 3, norm: batch, act: relu }
  - flatten: {}
  - linear: { name: classes, out: 3 }
`,
      2,
    );
    expect(prunableWeights(trace)).toEqual([
      { name: 'conv.weight', outputs: 4, channels: 2, taps: 9, outputStride: 18, channelStride: 9 },
      { name: 'classes.weight', outputs: 3, channels: 64, taps: 1, outputStride: 1, channelStride: 3 },
    ]);
    expect([...fullMasks(prunableWeights(trace)).values()].map(staying)).toEqual([72, 192]);
  });
});
