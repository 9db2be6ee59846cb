import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roomOf } from '../../src/models/caterpillar/lower/room.ts';

const SEED = 20261121;

describe('room over time', () => {
  it(`is what is left at each point after all that was taken (seed ${SEED})`, () => {
    const span = fc.tuple(fc.nat(40), fc.nat(40), fc.integer({ min: 1, max: 50 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 41 }), fc.array(span, { maxLength: 30 }), (points, spans) => {
        const room = roomOf(points, 1000);
        const left = new Array<number>(points).fill(1000);
        for (const [one, other, amount] of spans) {
          const [first, last] = [Math.min(one, other) % points, Math.max(one, other) % points].sort((a, b) => a - b);
          expect(room.least(first!, last!)).toBe(Math.min(...left.slice(first, last! + 1)));
          room.take(first!, last!, amount);
          for (let point = first!; point <= last!; point++) left[point]! -= amount;
        }
        expect(room.least(0, points - 1)).toBe(Math.min(...left));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
