import { createIntegerExponential } from './exponential.ts';
import type { IntegerTensor } from './integer-tensor.ts';
import { rowShares } from './row-shares.ts';

/**
 * Softmax of rows in integers only (I-BERT, section 3.5): the row's largest value is subtracted, so that exp sees no argument
 * above 0, and each exp becomes its share of their sum.
 *
 * Largest error against softmax 0.001 and half of the output's scale; tests measure it.
 */
export function integerSoftmax(
  { integers, scale }: IntegerTensor,
  rowElements: number,
  outputBits: number,
): IntegerTensor {
  const exponential = createIntegerExponential(scale);
  return rowShares(integers, rowElements, outputBits, (row, weights) => {
    let largest = row[0]!;
    for (const integer of row) if (integer > largest) largest = integer;
    for (let index = 0; index < row.length; index++) weights[index] = exponential(row[index]! - largest);
  });
}
