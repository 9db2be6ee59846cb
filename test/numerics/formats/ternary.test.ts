import { describe, expect, it } from 'vitest';
import { ternarize } from '../../../src/numerics/formats/ternary.ts';
import { fromTernaryResidual, toTernaryResidual } from '../../../src/numerics/formats/ternary-residual.ts';
import { seededWords } from './random.ts';

function squaredDistance(left: ArrayLike<number>, right: ArrayLike<number>): number {
  return Array.from(left, (value, index) => (value - right[index]!) ** 2).reduce((sum, square) => sum + square, 0);
}

function randomWeights(count: number, seed: number): Float32Array {
  const random = seededWords(seed);
  return Float32Array.from({ length: count }, () => random() / 2 ** 31 - 1 + random() / 2 ** 31 - 1);
}

describe('ternary weights', () => {
  it('by hand: (sum of kept)^2 / kept is 1, 2, 2.1^2 / 3 for 1, 2, 3 kept', () => {
    const { scale, signs, gain } = ternarize(Float64Array.of(1, 0.1, -1, 0));
    expect(scale).toBe(1);
    expect(Array.from(signs)).toEqual([1, 0, -1, 0]);
    expect(gain).toBe(2);
    expect(ternarize(new Float64Array(3))).toEqual({ scale: 0, signs: new Int8Array(3), gain: 0 });
  });

  it('has the least squared distance of all thresholds and scales', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const weights = Float64Array.from(randomWeights(20, seed), (weight) => Math.round(weight * 8) / 8);
      const { scale, signs, gain } = ternarize(weights);
      const reached = squaredDistance(
        weights,
        Array.from(signs, (sign) => scale * sign),
      );
      expect(squaredDistance(weights, new Float64Array(20)) - reached).toBeCloseTo(gain, 10);
      for (let threshold = 0; threshold < 2; threshold += 1 / 16) {
        for (let other = 0; other < 2; other += 1 / 16) {
          const stand = Array.from(weights, (weight) => (Math.abs(weight) > threshold ? other * Math.sign(weight) : 0));
          expect(squaredDistance(weights, stand)).toBeGreaterThanOrEqual(reached - 1e-12);
        }
      }
    }
  });
});

describe('residual edges', () => {
  const weights = randomWeights(1000, 77);
  const options = { blockElements: 64, toleratedError: 0.2, mostEdgesPerBlock: 10 };

  it('are added until every block is near enough', () => {
    const ternary = toTernaryResidual(weights, options);
    const back = fromTernaryResidual(ternary);
    expect(ternary.base).toHaveLength(16);
    for (let start = 0; start < 1000; start += 64) {
      const block = weights.subarray(start, start + 64);
      const left = squaredDistance(block, back.subarray(start, start + 64));
      expect(left).toBeLessThanOrEqual(0.2 ** 2 * squaredDistance(block, new Float32Array(64)) + 1e-9);
    }
    const fewer = toTernaryResidual(weights, { ...options, toleratedError: 0.4 });
    expect(fewer.residual.length).toBeLessThan(ternary.residual.length);
  });

  it('can be left out, the least useful first: each one that stays lowers the distance by its gain', () => {
    const ternary = toTernaryResidual(weights, options);
    let distance = squaredDistance(weights, fromTernaryResidual(ternary, 0));
    ternary.residual.forEach(({ gain }, index) => {
      const next = squaredDistance(weights, fromTernaryResidual(ternary, index + 1));
      expect(distance - next).toBeCloseTo(gain, 4);
      if (index > 0) expect(gain).toBeLessThanOrEqual(ternary.residual[index - 1]!.gain);
      distance = next;
    });
  });

  it('none where the base term is exact, and no more than allowed', () => {
    const signs = Float32Array.of(0.5, -0.5, 0, 0.5);
    const exact = toTernaryResidual(signs, { ...options, blockElements: 4 });
    expect(exact.residual).toEqual([]);
    expect(fromTernaryResidual(exact)).toEqual(signs);
    const few = toTernaryResidual(weights, { ...options, toleratedError: 1e-6, mostEdgesPerBlock: 2 });
    expect(few.residual).toHaveLength(32);
  });
});
