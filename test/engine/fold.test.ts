import { describe, expect, it } from 'vitest';
import type { Unit } from '../../src/engine/engine.ts';
import { LoopFolder } from '../../src/engine/fold.ts';

/** State that is `transient` values long before it repeats every `period` iterations. */
function folderOver(
  transient: number,
  period: number,
): { folder: LoopFolder; step: () => void; shifted: () => number } {
  let iteration = 0;
  let shifted = 0;
  const unit: Unit = {
    name: 'loop',
    nextCycle: () => Number.POSITIVE_INFINITY,
    act: () => {},
    waitingFor: () => null,
    snapshot: (out) => out.push(iteration < transient ? -1 - iteration : (iteration - transient) % period),
    shift: (cycles) => {
      shifted += cycles;
    },
  };
  return { folder: new LoopFolder([unit], () => 0), step: () => iteration++, shifted: () => shifted };
}

describe('loop folder', () => {
  it.each([
    [0, 1],
    [0, 7],
    [5, 1],
    [5, 3],
    [13, 12],
    [100, 40],
  ])('finds a period after %i transient iterations of period %i', (transient, period) => {
    const { folder, step } = folderOver(transient, period);
    expect(folder.enter(0, 10_000, 10, 0)).toBe(true);
    for (let iteration = 1; iteration < 1000; iteration++) {
      step();
      const found = folder.iterate(0, iteration * 9);
      if (found === null || found === 'moved') continue;
      expect(found).toEqual({ iterations: period, cycles: period * 9 });
      // Brent: the anchor that matches is the first power of two at or beyond transient and period, so it is soon.
      expect(iteration).toBeLessThanOrEqual(4 * Math.max(transient, period, 1));
      return;
    }
    expect.unreachable('no period found');
  });

  it('never matches without progress in time, nor a state that does not recur', () => {
    const { folder, step } = folderOver(1e9, 1);
    folder.enter(0, 10_000, 10, 0);
    for (let iteration = 1; iteration < 300; iteration++) {
      step();
      expect([null, 'moved']).toContain(folder.iterate(0, iteration));
    }
    const still = folderOver(0, 1);
    still.folder.enter(0, 10_000, 10, 5);
    expect(still.folder.iterate(0, 5)).not.toMatchObject({ cycles: 0 });
  });

  it('does not watch loops that are over before watching pays', () => {
    expect(folderOver(0, 1).folder.enter(0, 3, 1000, 0)).toBe(false);
    expect(folderOver(0, 1).folder.enter(0, 10, 2, 0)).toBe(false);
  });

  it('moves every unit', () => {
    const { folder, shifted } = folderOver(0, 1);
    folder.shift(123);
    expect(shifted()).toBe(123);
  });
});
