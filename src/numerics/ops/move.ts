import type { Rows } from './rows.ts';
import type { Values } from './values.ts';

/** A part of a tensor along one axis: from `start` on `length` of every `whole` elements that follow each other. */
export interface Part {
  readonly whole: number;
  readonly start: number;
  readonly length: number;
}

/** Writes a part into the tensor it is part of (concatenation, padding). */
export function place({ whole, start, length }: Part, operand: Values, result: Values): void {
  for (let from = 0, to = start; from < operand.length; from += length, to += whole)
    for (let index = 0; index < length; index++) result[to + index] = operand[from + index]!;
}

/** Cuts a part out of a tensor. */
export function cut({ whole, start, length }: Part, operand: Values, result: Values): void {
  for (let to = 0, from = start; to < result.length; to += length, from += whole)
    for (let index = 0; index < length; index++) result[to + index] = operand[from + index]!;
}

/** Axes in another order; the walk is over the result, starts[0] and steps[0] in the operand. */
export function transpose(walk: Rows, operand: Values, result: Values): void {
  const { rows, length, starts, steps } = walk;
  const step = steps[0]!;
  for (let row = 0, to = 0; row < rows; row++) {
    let from = starts[0]![row]!;
    for (const end = to + length; to < end; to++, from += step) result[to] = operand[from]!;
  }
}

/** Images of [height, width] each position of which is repeated `scaleY` by `scaleX` times. */
export interface UpsampleSizes {
  readonly planes: number;
  readonly height: number;
  readonly width: number;
  readonly scaleY: number;
  readonly scaleX: number;
}

export function upsample(sizes: UpsampleSizes, operand: Values, result: Values): void {
  const { planes, height, width, scaleY, scaleX } = sizes;
  for (let row = 0, to = 0; row < planes * height * scaleY; row++) {
    const from = Math.floor(row / scaleY) * width;
    for (let column = 0; column < width * scaleX; column++, to++)
      result[to] = operand[from + Math.floor(column / scaleX)]!;
  }
}

export function upsampleGradient(sizes: UpsampleSizes, gradient: Values, result: Values): void {
  const { planes, height, width, scaleY, scaleX } = sizes;
  result.fill(0);
  for (let row = 0, from = 0; row < planes * height * scaleY; row++) {
    const start = Math.floor(row / scaleY) * width;
    for (let column = 0; column < width * scaleX; column++, from++) {
      const to = start + Math.floor(column / scaleX);
      result[to] = result[to]! + gradient[from]!;
    }
  }
}

/** What lies below the diagonal of [size, size] matrices, row by row: (1, 0), (2, 0), (2, 1) ... */
export function triangle(size: number, operand: Values, result: Values): void {
  for (let from = 0, to = 0; from < operand.length; from += size * size)
    for (let row = 1; row < size; row++)
      for (let column = 0; column < row; column++, to++) result[to] = operand[from + row * size + column]!;
}

export function triangleGradient(size: number, gradient: Values, result: Values): void {
  result.fill(0);
  for (let to = 0, from = 0; to < result.length; to += size * size)
    for (let row = 1; row < size; row++)
      for (let column = 0; column < row; column++, from++) result[to + row * size + column] = gradient[from]!;
}
