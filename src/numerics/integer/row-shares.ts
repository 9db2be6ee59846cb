import { ModelBug } from '../../errors.ts';
import type { IntegerTensor } from './integer-tensor.ts';

/** More would leave the 53 bits in which a float64 quotient of integers has the right floor. */
const MOST_OUTPUT_BITS = 20;

/** Turns a row of integers into non-negative integer weights below 2^31, not all of them 0. */
export type WeighRow = (row: Int32Array, weights: Int32Array) => void;

/**
 * The last step of any softmax: each weight as its share of the row's sum, by one integer division rounded to nearest. Output:
 * integers of 0 ... 2^outputBits with the scale 2^-outputBits.
 */
export function rowShares(
  integers: Int32Array,
  rowElements: number,
  outputBits: number,
  weigh: WeighRow,
): IntegerTensor {
  if (outputBits > MOST_OUTPUT_BITS) throw new ModelBug(`softmax has at most ${MOST_OUTPUT_BITS} output bits`);
  if (integers.length % rowElements !== 0) throw new ModelBug(`no whole rows of ${rowElements} in ${integers.length}`);
  const shares = new Int32Array(integers.length);
  const weights = new Int32Array(rowElements);
  const one = 2 ** outputBits;
  for (let start = 0; start < integers.length; start += rowElements) {
    weigh(integers.subarray(start, start + rowElements), weights);
    let sum = 0;
    for (const weight of weights) sum += weight;
    const half = Math.floor(sum / 2);
    for (let index = 0; index < rowElements; index++) {
      shares[start + index] = Math.floor((weights[index]! * one + half) / sum);
    }
  }
  return { integers: shares, scale: 1 / one };
}
