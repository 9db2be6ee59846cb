import { describe, expect, it } from 'vitest';
import { gemm, gemmIssueCycles, type GemmShape, LEAST_TILES_OF_PART } from '../../src/models/caterpillar/micro/gemm.ts';
import { deltaWithUpdate, gemv, outerProductUpdate } from '../../src/models/caterpillar/micro/gemv.ts';
import type { Program } from '../../src/models/caterpillar/micro/program.ts';
import { runOnCore } from '../../src/models/caterpillar/units/core.ts';
import { Random } from '../../src/numerics/random.ts';
import { type Contents, type Hardware, type Outcome, runOracle } from './caterpillar-core.ts';
import {
  columnOf,
  dot,
  emptyMemories,
  type Matrix,
  placeMatrix,
  randomMatrix,
  randomVector,
  sum,
} from './caterpillar-values.ts';

const CASES = 150;
const NO_STREAMS: Contents['streams'] = { a: [], b: [], initial: [] };
const RATE = -0.0625;

function hardwareOf(random: Random): Hardware {
  return {
    size: 2 + random.below(5),
    fmacLatencyCycles: 2 + random.below(8),
    readoutCycles: 1 + random.below(3),
    lineWords: 2 + random.below(3),
    rate: RATE,
  };
}

/** Cycles, words through the ports and accesses of all PEs, of the fast model and of the oracle. */
function expectSameCosts(program: Program, { size }: Hardware, outcome: Outcome): void {
  const counts = runOnCore(program, size);
  expect(counts.cycles).toBe(outcome.cycles);
  expect(runOnCore(program, size, true)).toEqual(counts);
  expect(outcome.streamWords).toEqual(program.streamWords);
  const { fmacs, readsA, writesA, readsB, writesB } = outcome.accesses;
  expect([counts.fmacs, counts.readsA, counts.writesA, counts.readsB, counts.writesB].map((each) => each * size ** 2)) //
    .toEqual([fmacs, readsA, writesA, readsB, writesB]);
}

/** Inner product over the positions of a lane: each PE sums what it has in order, then adds what comes from the one before, the first `before`. */
function acrossPositions(size: number, left: readonly number[], right: readonly number[], before = 0): number {
  let total = before;
  for (let position = 0; position < size; position++) {
    const own = (_: number, index: number): boolean => index % size === position;
    total = sum([total, dot(left.filter(own), right.filter(own))]);
  }
  return total;
}

describe('a core with values, against the fast model and the training core', () => {
  it.each(Array.from({ length: CASES }, (_, seed) => seed))('products of a matrix and a vector, case %i', (seed) => {
    const random = Random.named(seed, 'gemv');
    const hardware = hardwareOf(random);
    const { size } = hardware;
    const local = { rows: 1 + random.below(7), columns: 1 + random.below(7) };
    const [rows, columns] = [local.rows * size, local.columns * size];
    const weights = randomMatrix(random, rows, columns);
    const [inputs, errors] = [randomVector(random, columns), randomVector(random, rows)];
    const memories = (): { a: number[][]; b: number[][] } => {
      const [a, b] = [emptyMemories(size), emptyMemories(size)];
      placeMatrix(a, size, weights, local.columns);
      // Every PE has the errors of its rows, then room for the scaled ones, then the inputs of its columns.
      for (let row = 0; row < size; row++)
        for (let column = 0; column < size; column++) {
          errors
            .filter((_, index) => index % size === row)
            .forEach((value, index) => (b[row * size + column]![index] = value));
          inputs
            .filter((_, index) => index % size === column)
            .forEach((value, index) => (b[row * size + column]![2 * local.rows + index] = value));
        }
      return { a, b };
    };
    const run = (program: Program, streams = NO_STREAMS): Outcome & { readonly weights: number[][] } => {
      const { a, b } = memories();
      const outcome = runOracle(program, hardware, { memoryA: a, memoryB: b, streams, wrapA: 1, wrapB: 1 });
      expectSameCosts(program, hardware, outcome);
      const after = Array.from({ length: rows }, (_, row) =>
        Array.from({ length: columns }, (_, column) => {
          const address = Math.floor(row / size) * local.columns + Math.floor(column / size);
          return a[(row % size) * size + (column % size)]![address]!;
        }),
      );
      return { ...outcome, weights: after };
    };
    /** What the last positions sent, in the order of the elements. */
    const vectorOf = (sent: number[][]): number[] => sent[0]!.flatMap((_, index) => sent.map((lane) => lane[index]!));
    const updated = weights.map((line, row) => {
      const scaled = dot([errors[row]!], [RATE]);
      return line.map((weight, column) => dot([weight, scaled], [1, inputs[column]!]));
    });
    const deltas = inputs.map((_, column) => acrossPositions(size, columnOf(weights, column), errors));

    const forward = run(gemv(hardware, local, false));
    expect(vectorOf(forward.sent)).toEqual(weights.map((line) => acrossPositions(size, line, inputs)));
    expect(vectorOf(run(gemv(hardware, local, true)).sent)).toEqual(deltas);
    expect(run(outerProductUpdate(hardware, local)).weights).toEqual(updated);
    const fused = run(deltaWithUpdate(hardware, local));
    expect(vectorOf(fused.sent)).toEqual(deltas);
    expect(fused.weights).toEqual(updated);

    // Sums over a part of the weights before, which the ports bring back to the first positions: element by element, one for each lane.
    const [rowSums, columnSums] = [randomVector(random, rows), randomVector(random, columns)];
    const back = (sums: readonly number[]): Contents['streams'] => ({
      ...NO_STREAMS,
      initial: Array.from({ length: size }, (_, lane) => sums.filter((_sum, index) => index % size === lane)),
    });
    expect(vectorOf(run(gemv(hardware, local, false, true), back(rowSums)).sent)).toEqual(
      weights.map((line, row) => acrossPositions(size, line, inputs, rowSums[row])),
    );
    const furtherDeltas = inputs.map((_, column) =>
      acrossPositions(size, columnOf(weights, column), errors, columnSums[column]),
    );
    expect(vectorOf(run(gemv(hardware, local, true, true), back(columnSums)).sent)).toEqual(furtherDeltas);
    const further = run(deltaWithUpdate(hardware, local, true), back(columnSums));
    expect(vectorOf(further.sent)).toEqual(furtherDeltas);
    expect(further.weights).toEqual(updated);
  });

  it.each(Array.from({ length: CASES }, (_, seed) => seed))('products of matrices, case %i', (seed) => {
    const random = Random.named(seed, 'gemm');
    const hardware = hardwareOf(random);
    const { size } = hardware;
    // Memory A keeps up with a tile of C that it reads and writes only if the tile takes four cycles.
    const streamsC = size < 4 || random.below(2) === 0;
    const streamsA = random.below(2) === 0;
    const whole = {
      blocks: streamsA && !streamsC ? 1 : 1 + random.below(3),
      blockRows: size * (1 + random.below(4)),
      depth: size * (1 + random.below(4)),
      columns: size * (1 + random.below(4)),
      streamsA,
      streamsC,
      transposed: !streamsA && random.below(2) === 0,
    };
    const { blocks, blockRows, depth, columns, transposed } = whole;
    const tiles = blockRows / size;
    const tilesOfPart = (blocks * tiles * columns) / size;
    const parts = streamsC && tilesOfPart >= LEAST_TILES_OF_PART ? 1 + random.below(3) : 1;
    const keepsB = random.below(2) === 0;
    const shape: GemmShape = { ...whole, parts, keepsB };
    const left = randomMatrix(random, blocks * blockRows, parts * depth);
    const right = randomMatrix(random, parts * depth, columns);
    const initial = randomMatrix(random, blocks * blockRows, columns);
    const partNumbers = Array.from({ length: parts }, (_, part) => part);
    /** Sums as they are after each part. */
    const sums = partNumbers.map((part) =>
      left.map((line, row) =>
        right[0]!.map((_, column) =>
          dot([initial[row]![column]!, ...line.slice(0, (part + 1) * depth)], [1, ...columnOf(right, column)]),
        ),
      ),
    );
    const expected = sums.at(-1)!;
    /** Blocks of A in the order in which they are worked on. */
    const blocksOfA = partNumbers.flatMap((part) =>
      Array.from({ length: blocks }, (_, block) =>
        left
          .slice(block * blockRows, (block + 1) * blockRows)
          .map((line) => line.slice(part * depth, (part + 1) * depth)),
      ),
    );
    const [a, b] = [emptyMemories(size), emptyMemories(size)];
    const blockWords = tiles * (depth / size);
    const aWords = (streamsA ? Math.min(2, parts * blocks) : parts * blocks) * blockWords;
    const bWords = keepsB ? (Math.min(2, parts) * columns * depth) / size : 2 * depth;
    if (!streamsA)
      blocksOfA.forEach((block, index) => {
        const stored = transposed ? block[0]!.map((_, column) => columnOf(block, column)) : block;
        placeMatrix(a, size, stored, (transposed ? blockRows : depth) / size, index * blockWords);
      });
    // In a transposed program, rows of PEs are lanes of columns.
    const turn = (matrix: Matrix): number[][] => matrix[0]!.map((_, column) => columnOf(matrix, column));
    if (!streamsC) {
      const c = emptyMemories(size);
      placeMatrix(c, size, initial, columns / size);
      c.forEach((words, pe) => {
        const target = transposed ? (pe % size) * size + Math.floor(pe / size) : pe;
        words.forEach((value, address) => (a[target]![aWords + address] = value));
      });
    }
    const onBus = (matrix: Matrix, bus: number): number[][] =>
      matrix.map((line) => line.filter((_, at) => at % size === bus));
    const tileOrder = (matrix: Matrix, bus: number): number[] => {
      const words: number[] = [];
      for (let block = 0; block < blocks; block++)
        for (let panel = 0; panel < columns / size; panel++)
          for (let row = 0; row < blockRows; row++) words.push(onBus(matrix, bus)[block * blockRows + row]![panel]!);
      return words;
    };
    const buses = Array.from({ length: size }, (_, bus) => bus);
    const streams = {
      // Block by block, tile by tile, slice by slice, a word for each lane.
      a: buses.map((bus) => {
        const words: number[] = [];
        for (const block of blocksOfA)
          for (let tile = 0; tile < tiles; tile++)
            for (let slice = 0; slice < depth / size; slice++)
              for (let lane = 0; lane < size; lane++) words.push(block[tile * size + lane]![slice * size + bus]!);
        return words;
      }),
      b: buses.map((bus) => {
        return partNumbers.flatMap((part) => {
          const panels = turn(onBus(right.slice(part * depth, (part + 1) * depth), bus)).flat();
          return Array.from({ length: keepsB ? 1 : blocks }, () => panels).flat();
        });
      }),
      initial: buses.map((bus) => tileOrder(initial, bus)),
    };
    const program = gemm(hardware, shape);
    expect(runOnCore(program, size).issueCycles).toBe(gemmIssueCycles(hardware, shape));
    const outcome = runOracle(program, hardware, { memoryA: a, memoryB: b, streams, wrapA: aWords, wrapB: bWords });
    expectSameCosts(program, hardware, outcome);
    // Two blocks of A at most if they come, all of C if it stays, two panels of B or those of two parts.
    const cWords = streamsC ? 0 : blocks * tiles * (columns / size);
    expect(Math.max(...a.map((memory) => memory.length))).toBe(aWords + cWords);
    expect(Math.max(...b.map((memory) => memory.length))).toBeLessThanOrEqual(bWords);
    if (streamsC) {
      expect(outcome.drained).toEqual(buses.map((bus) => sums.flatMap((after) => tileOrder(after, bus))));
      return;
    }
    const result = expected.map((line, row) =>
      line.map((_, column) => {
        const [lane, position] = [row % size, column % size];
        const pe = transposed ? position * size + lane : lane * size + position;
        return a[pe]![aWords + Math.floor(row / size) * (columns / size) + Math.floor(column / size)]!;
      }),
    );
    expect(result).toEqual(expected);
  });
});
