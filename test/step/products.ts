import fc from 'fast-check';
import type { Product } from '../../src/step/matrix.ts';

const matrix = (rows: number, columns: number) =>
  fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: columns, maxLength: columns }), {
    minLength: rows,
    maxLength: rows,
  });

/** Products with m, k and n from these, of small whole numbers. */
export function productsOf(
  m: fc.Arbitrary<number>,
  k: fc.Arbitrary<number>,
  n: fc.Arbitrary<number>,
): fc.Arbitrary<Product> {
  return fc
    .tuple(m, k, n)
    .chain(([rows, depth, columns]) => fc.record({ a: matrix(rows, depth), b: matrix(depth, columns) }));
}

/** The product, row by row. */
export function expected({ a, b }: Product): number[][] {
  return a.map((row) => b[0]!.map((_, column) => row.reduce((sum, value, k) => sum + value * b[k]![column]!, 0)));
}
