import type { Mark, Register, Table } from './stepper.ts';

/** [row][column]. */
export type Matrix = readonly (readonly number[])[];

/** A product: a is m x k, b is k x n. */
export interface Product {
  readonly a: Matrix;
  readonly b: Matrix;
}

export interface Dimensions {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

export function dimensionsOf({ a, b }: Product): Dimensions {
  return { m: a.length, k: b.length, n: b[0]!.length };
}

/** Small whole numbers, easy to multiply in the head: 1 to 9, the same for the same size. */
export function exampleProduct({ m, k, n }: Dimensions): Product {
  const filled = (rows: number, columns: number, step: number): Matrix =>
    Array.from({ length: rows }, (_, row) =>
      Array.from({ length: columns }, (_, column) => 1 + ((row * 5 + column * step + row * column) % 9)),
    );
  return { a: filled(m, k, 2), b: filled(k, n, 7) };
}

export function transpose(matrix: Matrix): Matrix {
  return matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));
}

/** `count` of them from `first`; beyond the edge there are zeros. */
export function submatrix(
  matrix: Matrix,
  firstRow: number,
  rows: number,
  firstColumn: number,
  columns: number,
): Matrix {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => matrix[firstRow + row]?.[firstColumn + column] ?? 0),
  );
}

/** Values as they stand in registers: whole numbers whole, others short. */
export function valueText(value: number): string {
  return Number.isInteger(value) ? String(value) : Number(value.toPrecision(4)).toString();
}

/** A register of a PE; null or undefined: it holds nothing. */
export function register(name: string, value: number | null | undefined, tone: Register['tone']): Register {
  return value === null || value === undefined
    ? { name, text: '', tone: 'empty' }
    : { name, text: valueText(value), tone };
}

export function tableOf(name: string, matrix: Matrix, mark: (row: number, column: number) => Mark): Table {
  return {
    name,
    rows: matrix.map((row, r) => row.map((value, c) => ({ text: valueText(value), mark: mark(r, c) }))),
  };
}
