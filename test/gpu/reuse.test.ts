import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cyclicHitRate, keptRate, offChipOperandBytes } from '../../src/models/gpu/units/reuse.ts';

describe('hit rate of data read over and over', () => {
  it('is 1 as long as the data fit', () => {
    expect(cyclicHitRate(0, 100)).toBe(1);
    expect(cyclicHitRate(100, 100)).toBe(1);
  });

  // h = exp((h - 1) x r) is the extinction probability of a branching process with Poisson(r) children, found in tables.
  it.each([
    [1.5, 0.417188],
    [2, 0.203188],
    [3, 0.05952],
  ])('of %f times what fits', (ratio, rate) => {
    expect(cyclicHitRate(ratio * 1000, 1000)).toBeCloseTo(rate, 5);
    expect(keptRate(ratio * 800, 1000)).toBeCloseTo(rate, 5);
  });
});

/** A product of 4 x 8 tiles with operands of 100 bytes each. */
const GRID = { tilesM: 4, tilesN: 8, leftPanelBytes: 25, rightPanelBytes: 12.5, leftBytes: 100, rightBytes: 100 };

describe('bytes of both operands from off the chip', () => {
  it('are those of the operands where everything fits or all tiles run at once', () => {
    expect(offChipOperandBytes(GRID, 1, 1000)).toBe(200);
    expect(offChipOperandBytes(GRID, 32, 1)).toBe(200);
  });

  it('are those of every tile where nothing is kept and tiles run one by one', () => {
    // The left operand is read for each of 8 columns of tiles, the right one for each of 4 rows.
    expect(offChipOperandBytes(GRID, 1, 1)).toBe(100 * 8 + 100 * 4);
  });

  it('are shared by tiles that run together', () => {
    // Four at a time: 2 x 2 makes 4 passes over the left and 2 over the right operand; 1 x 4 makes 2 and 4; 4 x 1 makes 8 and 1.
    expect(offChipOperandBytes(GRID, 4, 1)).toBe(600);
  });

  it('fall to one pass over an operand that stays', () => {
    // One panel of each fits (37.5 bytes), no operand does: the left panel stays while the right operand passes, 4 times.
    expect(offChipOperandBytes(GRID, 1, 40)).toBe(100 + 4 * 100);
  });

  it('never fall below the operands, nor rise with a larger cache', () => {
    const grids = fc.record({
      tilesM: fc.integer({ min: 1, max: 50 }),
      tilesN: fc.integer({ min: 1, max: 50 }),
      leftPanelBytes: fc.integer({ min: 1, max: 1000 }),
      rightPanelBytes: fc.integer({ min: 1, max: 1000 }),
    });
    const sizes = fc.integer({ min: 1, max: 100_000 });
    fc.assert(
      fc.property(grids, fc.integer({ min: 1, max: 3000 }), sizes, sizes, (grid, resident, one, other) => {
        const leftBytes = grid.tilesM * grid.leftPanelBytes;
        const rightBytes = grid.tilesN * grid.rightPanelBytes;
        const bytes = (capacity: number) => offChipOperandBytes({ ...grid, leftBytes, rightBytes }, resident, capacity);
        expect(bytes(one)).toBeGreaterThanOrEqual(leftBytes + rightBytes);
        expect(bytes(one)).toBeLessThanOrEqual(leftBytes * grid.tilesN + rightBytes * grid.tilesM);
        expect(bytes(Math.max(one, other))).toBeLessThanOrEqual(bytes(Math.min(one, other)));
      }),
      { seed: 20261125, numRuns: 300 },
    );
  });
});
