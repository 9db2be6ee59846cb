import { createDot, createSum, lineOf } from '../../src/numerics/formats/accumulate.ts';
import { FLOAT_FORMATS } from '../../src/numerics/formats/float-format.ts';
import { roundFloat32 } from '../../src/numerics/formats/round-float32.ts';
import { NEAREST_EVEN } from '../../src/numerics/formats/rounding.ts';
import type { Random } from '../../src/numerics/random.ts';

/** fp16 sums, every addition rounded, in the order of the elements: the training core's kernels for narrow accumulators. */
const IN_ORDER = { format: FLOAT_FORMATS.fp16, rounding: NEAREST_EVEN, chunkElements: 2 ** 30 };
const dotOf = createDot(IN_ORDER);
const sumOf = createSum(IN_ORDER);

export function dot(left: readonly number[], right: readonly number[]): number {
  return dotOf(lineOf(Float32Array.from(left)), lineOf(Float32Array.from(right)), left.length);
}

export function sum(values: readonly number[]): number {
  return sumOf(lineOf(Float32Array.from(values)), values.length);
}

export type Matrix = readonly (readonly number[])[];

/** fp16 numbers of -1 ... 1. */
export function randomVector(random: Random, length: number): number[] {
  const values = Float32Array.from({ length }, () => random.uniform() * 2 - 1);
  roundFloat32(values, FLOAT_FORMATS.fp16, NEAREST_EVEN);
  return [...values];
}

export function randomMatrix(random: Random, rows: number, columns: number): number[][] {
  return Array.from({ length: rows }, () => randomVector(random, columns));
}

export function emptyMemories(size: number): number[][] {
  return Array.from({ length: size * size }, () => []);
}

/** Puts element (row, column) where weights lie: PE (row mod size, column mod size), at floor(row / size) x `width` + floor(column / size). */
export function placeMatrix(memories: number[][], size: number, matrix: Matrix, width: number, base = 0): void {
  matrix.forEach((line, row) => {
    line.forEach((value, column) => {
      const pe = (row % size) * size + (column % size);
      memories[pe]![base + Math.floor(row / size) * width + Math.floor(column / size)] = value;
    });
  });
}

export function columnOf(matrix: Matrix, column: number): number[] {
  return matrix.map((row) => row[column]!);
}
