import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { type Tile, type TileTiming, tileProgram } from '../../src/models/gpu/lower/tile.ts';
import { type GpuSpec, gpuSpec, operandsOf, storedShare } from '../../src/models/gpu/spec.ts';
import { Sm } from '../../src/models/gpu/units/sm.ts';
import { FLOAT_FORMATS } from '../../src/numerics/formats/float-format.ts';
import { TENSOR_CORES, type TensorCore, tensorCoreDot } from '../../src/numerics/formats/tensor-core.ts';
import { Random } from '../../src/numerics/random.ts';
import { type Dot, gemmMeaning, type Matrix, plainDot } from './gpu-gemm.ts';
import { playSm } from './gpu-sm.ts';
import { blockSum } from './tensor-core-sum.ts';

const BLOCKS = 2;
const ITERATIONS = 3;
const { volta, turing, ampere } = TENSOR_CORES;
const { fp16, bf16, tf32, fp32 } = FLOAT_FORMATS;

/** A tile of two warps for a machine's math, and what its instructions and its memories do. */
function caseOf(arch: string, name: string): { tile: Tile; timing: TileTiming; spec: GpuSpec } {
  const spec = loadMachine(arch, [], { gpu: gpuSpec }).spec as GpuSpec;
  const math = spec.math[name]!;
  const format = operandsOf(name);
  const operandBytes = format === 'tf32' ? 4 : format === 'int8' ? 1 : 2;
  const { m, n, k } = { m: 2 * math.m, n: 2 * math.n, k: 2 * math.k };
  const tile = { m, n, k, warpsM: 2, warpsN: 1, stages: spec.library.stages };
  const timing = {
    math: {
      ...math,
      steps: math.instructions,
      operandBytes,
      leftStored: storedShare(math, operandBytes),
    },
    sharedBytesPerCycle: spec.sm.sharedBytesPerCycle,
    sharedLatencyCycles: spec.sm.sharedLatencyCycles,
    globalBytesPerCycle: spec.sm.globalBytesPerCycle,
    globalLatencyCycles: spec.l2.latencyCycles,
    resultBytesPerCycle: spec.sm.globalBytesPerCycle,
    barrierCycles: spec.sm.barrierCycles,
    asyncCopy: spec.sm.asyncCopy,
    addressInstructions: spec.library.addressInstructions,
    readsResult: false,
    resultBytes: math.accumulatorBytes,
    prologueInstructions: spec.library.prologueInstructions,
  };
  return { tile, timing, spec };
}

/** Plays the tile warp by warp with values and holds its cycles against the folded and the unfolded model; returns its result. */
function play(arch: string, name: string, left: Matrix, right: Matrix, dot: Dot): (number | undefined)[][] {
  const { tile, timing, spec } = caseOf(arch, name);
  const run = {
    program: tileProgram(tile, timing),
    warpsPerBlock: tile.warpsM * tile.warpsN,
    blocks: BLOCKS,
    subCores: spec.sm.subCores,
    queueCycles: spec.sm.sharedQueueCycles,
    iterations: ITERATIONS,
  };
  const { meaning, result } = gemmMeaning(run.program, { tile, math: timing.math, left, right, addend: null, dot });
  const expected = playSm(run, meaning);
  expect(new Sm(run).finish(true)).toEqual(expected);
  expect(new Sm(run).finish()).toEqual(expected);
  return result;
}

/** Values of a format with so many bits in the significand, between 2^-9 and 8 in size, so that alignment cuts bits off. */
function values(rows: number, columns: number, significandBits: number, random: Random): number[][] {
  const one = (): number => {
    const significand = 1 + Math.floor(random.uniform() * 2 ** (significandBits - 1)) / 2 ** (significandBits - 1);
    return (random.uniform() < 0.5 ? -1 : 1) * significand * 2 ** (Math.floor(random.uniform() * 12) - 9);
  };
  return Array.from({ length: rows }, () => Array.from({ length: columns }, one));
}

const columnOf = (matrix: Matrix, column: number): number[] => matrix.map((row) => row[column]!);

describe('products of one SM in the order and with the rounding of its tensor cores', () => {
  // Machine, math, tensor core, format of sums, products at a time and bits below the last one (Fasi et al., 2021).
  it.each([
    ['v100', 'fp16', volta.fp16, fp16, 4, 0],
    ['v100', 'fp16+fp32', volta.fp16, fp32, 4, 0],
    ['t4', 'fp16', turing.fp16, fp16, 4, 1],
    ['t4', 'fp16+fp32', turing.fp16, fp32, 4, 1],
    ['a100', 'fp16', ampere.fp16, fp32, 8, 1],
    ['a100', 'bf16', ampere.bf16, fp32, 8, 1],
    ['a100', 'tf32', ampere.tf32, fp32, 4, 1],
  ] as const)('%s %s', (arch, name, core: TensorCore, sum, productsPerBlock, extraBits) => {
    const { tile } = caseOf(arch, name);
    const k = ITERATIONS * tile.k;
    const random = Random.named(20261121, `${arch} ${name}`);
    const operand = { fp16, bf16, tf32 }[operandsOf(name) as 'fp16' | 'bf16' | 'tf32'];
    const left = values(tile.m, k, 1 + operand.fractionBits, random);
    const right = values(k, tile.n * BLOCKS, 1 + operand.fractionBits, random);
    const accumulator = sum.name as 'fp16' | 'fp32';
    const result = play(arch, name, left, right, (row, column, addend) =>
      tensorCoreDot(core, row, column, addend, accumulator),
    );
    const adder = { operand, sum, productsPerBlock, extraBits };
    const expected = left.map((row) =>
      Array.from({ length: tile.n * BLOCKS }, (_, column) => blockSum(adder, row, columnOf(right, column), 0)),
    );
    expect(result).toEqual(expected);
    // The order and the rounding show: exact sums, rounded once, are others in most places.
    const round = accumulator === 'fp32' ? Math.fround : (value: number) => value;
    const once = left.flatMap((row) =>
      Array.from({ length: tile.n * BLOCKS }, (_, column) => round(plainDot(row, columnOf(right, column), 0))),
    );
    const differing = once.filter((value, index) => value !== expected.flat()[index]).length;
    expect(differing).toBeGreaterThan(0.4 * once.length);
  });

  it.each([
    ['fp16:2:4', 4, 2],
    ['int8:2:4', 4, 2],
    ['tf32:1:2', 2, 1],
  ])(
    'a100 %s: the plain product of a left operand with zeros, and the cycles of the folded model',
    (name, of, kept) => {
      const { tile } = caseOf('a100', name);
      const k = ITERATIONS * tile.k;
      const number = (seed: number) => (seed % 13) - 6;
      const left = Array.from({ length: tile.m }, (_, row) =>
        Array.from({ length: k }, (_, at) => ((at + row) % of < kept ? number(row * 7 + at * 5) : 0)),
      );
      const right = Array.from({ length: k }, (_, row) =>
        Array.from({ length: tile.n * BLOCKS }, (_, column) => number(row * 3 + column * 7)),
      );
      const expected = left.map((row) =>
        Array.from({ length: tile.n * BLOCKS }, (_, column) =>
          row.reduce((sum, value, at) => sum + value * right[at]![column]!, 0),
        ),
      );
      expect(play('a100', name, left, right, plainDot)).toEqual(expected);
    },
  );
});
