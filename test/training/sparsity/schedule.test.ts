import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/numerics/random.ts';
import { staying } from '../../../src/training/sparsity/mask.ts';
import { randomMasks, reallocate } from '../../../src/training/sparsity/reallocate.ts';
import { cubicSparsity, prunesAt, roundShares } from '../../../src/training/sparsity/schedule.ts';
import { matrix } from './weights.ts';

const SCHEDULE = { initialSparsity: 0.2, finalSparsity: 0.9, firstStep: 100, lastStep: 300, everySteps: 30 };

describe('schedules', () => {
  it('go from the first to the last sparsity, seven eighths of the way at half time', () => {
    expect(cubicSparsity(SCHEDULE, 0)).toBe(0.2);
    expect(cubicSparsity(SCHEDULE, 100)).toBeCloseTo(0.2, 15);
    // (1 - 1/2)^3 = 1/8 of the way is left.
    expect(cubicSparsity(SCHEDULE, 200)).toBeCloseTo(0.9 - 0.7 / 8, 15);
    expect(cubicSparsity(SCHEDULE, 300)).toBe(0.9);
    expect(cubicSparsity(SCHEDULE, 10_000)).toBe(0.9);
  });

  it('prune every so many steps and at the last one', () => {
    const steps = Array.from({ length: 400 }, (_, step) => step).filter((step) => prunesAt(SCHEDULE, step));
    expect(steps).toEqual([100, 130, 160, 190, 220, 250, 280, 300]);
  });

  it('prune the same part in every round', () => {
    const [first, second, third] = roundShares(0.008, 3) as [number, number, number];
    expect(first).toBeCloseTo(0.2, 12);
    expect(second).toBeCloseTo(0.04, 12);
    expect(third).toBeCloseTo(0.008, 12);
    expect(roundShares(0.1, 1)).toEqual([0.1]);
  });
});

describe('dynamic sparse reparametrisation', () => {
  const small = matrix('small', 2, 2, [0.1, 0, 0.2, 5]);
  const large = matrix('large', 2, 4, [3, 0, 4, 0, 6, 0, 7, 0]);
  const masks = new Map([
    ['small', Uint8Array.of(1, 0, 1, 1)],
    ['large', Uint8Array.of(1, 0, 1, 0, 1, 0, 1, 0)],
  ]);

  it('drops the smallest of all layers, and grows where more is left', () => {
    // 0.1 and 0.2 go: 1 weight is left in small, 4 in large; of 2 that come back large gets 1.6, so 2, and small none.
    const after = reallocate([small, large], masks, 2, Random.seeded(1));
    expect([...after.get('small')!]).toEqual([0, 0, 0, 1]);
    expect(staying(after.get('large')!)).toBe(6);
    for (const at of [0, 2, 4, 6]) expect(after.get('large')![at]).toBe(1);
  });

  it('keeps the number of weights, also where a layer has no room', () => {
    const full = matrix('full', 1, 2, [9, 9]);
    const first = new Map([...masks, ['full', Uint8Array.of(1, 1)] as const]);
    for (let count = 0; count <= 9; count++) {
      const after = reallocate([small, large, full], first, count, Random.seeded(count));
      expect([...after.values()].reduce((sum, mask) => sum + staying(mask), 0)).toBe(9);
    }
  });

  it('prefers to drop what is there to what is pruned already, zeros included', () => {
    const zeros = matrix('zeros', 1, 4, [0, 0, 0, 0]);
    const after = reallocate([zeros], new Map([['zeros', Uint8Array.of(0, 1, 0, 1)]]), 0, Random.seeded(1));
    expect([...after.get('zeros')!]).toEqual([0, 1, 0, 1]);
  });

  it('draws the same places for the same seed, others for another', () => {
    const layouts = [matrix('any', 8, 8, Array(64).fill(0)).layout];
    const drawn = (seed: number) => [...randomMasks(layouts, 0.25, Random.seeded(seed)).get('any')!];
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
    expect(drawn(1).filter((stays) => stays === 1)).toHaveLength(16);
  });
});
