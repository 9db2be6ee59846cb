import { describe, expect, it } from 'vitest';
import { type Tile, type TileTiming, tileProgram } from '../../src/models/gpu/lower/tile.ts';
import {
  BARRIER,
  COMMIT,
  COPY,
  GLOBAL,
  type Instruction,
  MATH,
  SHARED,
  WAIT_GROUPS,
} from '../../src/models/gpu/program.ts';

/** Volta's fp16 instructions: 16 x 16 x 8 in 8 instructions of 2 cycles, operands read twice. */
const TIMING: TileTiming = {
  math: {
    m: 16,
    n: 16,
    k: 8,
    steps: 8,
    occupiesCycles: 2,
    latencyCycles: 14,
    leftReads: 2,
    rightReads: 2,
    operandBytes: 2,
    leftStored: 1,
    accumulatorBytes: 2,
  },
  sharedBytesPerCycle: 128,
  sharedLatencyCycles: 23,
  globalBytesPerCycle: 40,
  globalLatencyCycles: 400,
  resultBytesPerCycle: 32,
  barrierCycles: 10,
  asyncCopy: false,
  addressInstructions: 2,
  readsResult: false,
  resultBytes: 2,
  prologueInstructions: 50,
};
/** Four warps of 64 x 64 each; 4 steps of 16 pairs of groups. */
const TILE: Tile = { m: 128, n: 128, k: 32, warpsM: 2, warpsN: 2, stages: 2 };

const count = (part: readonly Instruction[], pipe: number): number => part.filter((one) => one.pipe === pipe).length;
const effects = (part: readonly Instruction[], effect: number): number =>
  part.filter((one) => one.effect === effect).length;
const busy = (part: readonly Instruction[], pipe: number): number =>
  part.reduce((sum, one) => sum + (one.pipe === pipe ? one.occupiesCycles : 0), 0);

describe('program of a tile, counted by hand', () => {
  const { prologue, body, epilogue } = tileProgram(TILE, TIMING);

  it('multiplies at the rate of the pipe', () => {
    expect(count(body, MATH)).toBe(4 * 16);
    expect(body.every((one) => one.pipe !== MATH || one.count === 8)).toBe(true);
    // A warp's 64 x 64 x 32 multiply-adds at 16 x 16 x 8 per 16 cycles.
    expect(busy(body, MATH)).toBe(1024);
  });

  it('moves a tile of both operands from global memory to shared memory', () => {
    // (128 + 128) x 32 elements of 2 bytes, a quarter of it per warp, 512 bytes per load: 8. At 40 bytes per cycle a load takes
    // 12.8 cycles, in quarters 12.75; a store of 512 bytes 4 cycles.
    expect(count(prologue, GLOBAL)).toBe(8);
    expect(count(body, GLOBAL)).toBe(8);
    expect(busy(body, GLOBAL)).toBe(8 * 12.75);
    expect(effects(body, BARRIER)).toBe(1);
    // Per step 2 x (64 + 64) x 8 elements of 2 bytes in 8 loads of 4 cycles.
    expect(count(body, SHARED)).toBe(8 + 4 * 8);
    expect(busy(body, SHARED)).toBe(8 * 4 + 4 * 8 * 4);
  });

  it('writes the result once, through shared memory', () => {
    // 64 x 64 elements of 2 bytes: 16 stores of 512 bytes, each 16 cycles at 32 bytes per cycle.
    expect(count(epilogue, GLOBAL)).toBe(16);
    expect(busy(epilogue, GLOBAL)).toBe(16 * 16);
    // Sums of 2 bytes go in and out.
    expect(busy(epilogue, SHARED)).toBe(2 * 16 * 4);
  });

  it('reads the result before if it is added to', () => {
    const read = tileProgram(TILE, { ...TIMING, readsResult: true }).epilogue;
    expect(count(read, GLOBAL)).toBe(32);
    expect(busy(read, GLOBAL)).toBe(2 * 16 * 16);
  });

  it('waits for every sum before it is stored, however many share a store', () => {
    // Twice as wide results: 32 stores for 16 sums. A quarter as wide: 4 stores that take 4 sums each.
    for (const [resultBytes, stores] of [
      [4, 32],
      [0.5, 4],
    ] as const) {
      const wide = tileProgram(TILE, { ...TIMING, resultBytes }).epilogue;
      const sums = wide.filter(({ pipe }) => pipe === SHARED).flatMap(({ reads }) => reads.filter((slot) => slot >= 6));
      expect(count(wide, GLOBAL)).toBe(stores);
      expect(new Set(sums).size).toBe(16);
    }
  });

  it('copies without registers where the machine can', () => {
    const copying = tileProgram({ ...TILE, stages: 4 }, { ...TIMING, asyncCopy: true });
    // Three tiles ahead, each a group; two may still be under way when one is needed.
    expect(effects(copying.prologue, COPY)).toBe(3 * 8);
    expect(effects(copying.prologue, COMMIT)).toBe(3);
    expect(effects(copying.body, COPY)).toBe(8);
    expect(copying.body.filter(({ effect }) => effect === WAIT_GROUPS).map(({ waitGroups }) => waitGroups)).toEqual([
      2,
    ]);
    expect(count(copying.body, SHARED)).toBe(4 * 8);
  });
});
