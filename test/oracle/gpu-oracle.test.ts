import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Tile, type TileTiming, tileProgram } from '../../src/models/gpu/lower/tile.ts';
import { Sm, type SmRun } from '../../src/models/gpu/units/sm.ts';
import { type GemmBlocks, gemmMeaning, type Matrix, plainDot } from './gpu-gemm.ts';
import { playSm } from './gpu-sm.ts';

const SEED = 20261121;
const RUNS = 60;

interface Case {
  readonly tile: Tile;
  readonly timing: TileTiming;
  readonly blocks: number;
  readonly subCores: number;
  readonly queueCycles: number;
  readonly iterations: number;
}

const between = (min: number, max: number) => fc.integer({ min, max });
const eighths = (min: number, max: number) => between(8 * min, 8 * max).map((count) => count / 8);

/** Small tiles of every proportion; K is even in steps, as a loop with two sets of fragments needs it. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    shape: fc.constantFrom({ m: 4, n: 4, k: 2 }, { m: 8, n: 4, k: 1 }, { m: 2, n: 4, k: 4 }),
    steps: between(1, 4),
    occupiesCycles: eighths(1, 4),
    mathLatencyCycles: between(1, 30),
    reads: fc.constantFrom(1, 2, 8),
    accumulatorBytes: fc.constantFrom(2, 4),
    groupsM: between(1, 3),
    groupsN: between(1, 3),
    warpsM: between(1, 3),
    warpsN: between(1, 2),
    stepPairs: between(1, 2),
    asyncCopy: fc.boolean(),
    stages: between(2, 4),
    sharedBytesPerCycle: fc.constantFrom(32, 64, 128),
    sharedLatencyCycles: between(1, 30),
    globalBytesPerCycle: fc.constantFrom(20, 64, 200),
    globalLatencyCycles: between(1, 120),
    resultBytesPerCycle: fc.constantFrom(16, 60, 300),
    barrierCycles: between(1, 20),
    addressInstructions: between(0, 2),
    readsResult: fc.boolean(),
    prologueInstructions: between(1, 10),
    blocks: between(1, 3),
    subCores: between(1, 4),
    queueCycles: between(0, 64),
    iterations: between(1, 8),
  })
  .map(
    ({
      shape,
      steps,
      occupiesCycles,
      mathLatencyCycles,
      reads,
      accumulatorBytes,
      groupsM,
      groupsN,
      stepPairs,
      ...one
    }) => ({
      tile: {
        m: shape.m * groupsM * one.warpsM,
        n: shape.n * groupsN * one.warpsN,
        k: shape.k * 2 * stepPairs,
        warpsM: one.warpsM,
        warpsN: one.warpsN,
        stages: one.asyncCopy ? one.stages : 2,
      },
      timing: {
        ...one,
        math: {
          ...shape,
          steps,
          occupiesCycles,
          latencyCycles: mathLatencyCycles,
          leftReads: reads,
          rightReads: reads,
          // Wide operands make several loads of a small tile.
          operandBytes: 8,
          leftStored: 1,
          accumulatorBytes,
        },
        resultBytes: 16,
      },
      blocks: one.blocks,
      subCores: one.subCores,
      queueCycles: one.queueCycles,
      iterations: one.iterations,
    }),
  );

function runOf(one: Case): SmRun {
  const { tile, timing, blocks, subCores, queueCycles, iterations } = one;
  return {
    program: tileProgram(tile, timing),
    warpsPerBlock: tile.warpsM * tile.warpsN,
    blocks,
    subCores,
    queueCycles,
    iterations,
  };
}

/** Small integers that differ from place to place, so that a value in the wrong place is seen. */
const matrix = (rows: number, columns: number, factor: number): Matrix =>
  Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => ((row * 7 + column * factor) % 13) - 6),
  );

function operandsOf({ tile, timing, blocks, iterations }: Case): GemmBlocks {
  const k = iterations * tile.k;
  return {
    tile,
    math: timing.math,
    left: matrix(tile.m, k, 5),
    right: matrix(k, tile.n * blocks, 3),
    addend: timing.readsResult ? matrix(tile.m, tile.n * blocks, 11) : null,
    dot: plainDot,
  };
}

function plainProduct({ left, right, addend }: GemmBlocks): number[][] {
  return left.map((row, m) =>
    right[0]!.map((_, n) => row.reduce((sum, value, k) => sum + value * right[k]![n]!, addend?.[m]?.[n] ?? 0)),
  );
}

describe('one SM against the warp-by-warp oracle', () => {
  it('computes the plain product and takes the cycles of the oracle, folded and unfolded', () => {
    let instructions = 0;
    fc.assert(
      fc.property(cases, (one) => {
        const run = runOf(one);
        const operands = operandsOf(one);
        const { meaning, result } = gemmMeaning(run.program, operands);
        const expected = playSm(run, (place) => {
          instructions += place.instruction.count;
          return meaning(place);
        });
        expect(result).toEqual(plainProduct(operands));
        expect(new Sm(run).finish(true)).toEqual(expected);
        expect(new Sm(run).finish()).toEqual(expected);
      }),
      { seed: SEED, numRuns: RUNS },
    );
    // The cases are not all trivial ones.
    expect(instructions).toBeGreaterThan(1000 * RUNS);
  });
});
