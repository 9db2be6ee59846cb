import { ModelBug } from '../../errors.ts';
import { scaleByDyadic, toDyadic } from './dyadic.ts';
import { checkInt32, type IntegerTensor, largestMagnitude } from './integer-tensor.ts';
import { rowShares } from './row-shares.ts';

/**
 * Taylor softmax (de Brebisson 2016, arXiv 1511.05042; Banerjee 2020, arXiv 2011.11538): in place of e^z its Taylor series about
 * 0 up to an even order, which is above 0 everywhere. Unlike softmax it changes when all inputs move together, so nothing is
 * subtracted from a row.
 */
export function taylorExponential(value: number, order: number): number {
  let sum = 1;
  for (let power = order; power >= 1; power--) sum = 1 + (sum * value) / power;
  return sum;
}

/** Rows of real numbers to shares that sum to 1, in place. */
export function taylorSoftmax(values: Float32Array, rowElements: number, order: number): void {
  if (order < 2 || order % 2 !== 0)
    throw new ModelBug(`Taylor softmax of order ${order}: only even orders stay above 0`);
  if (values.length % rowElements !== 0) throw new ModelBug(`no whole rows of ${rowElements} in ${values.length}`);
  for (let start = 0; start < values.length; start += rowElements) {
    const end = start + rowElements;
    let sum = 0;
    for (let index = start; index < end; index++) sum += taylorExponential(values[index]!, order);
    for (let index = start; index < end; index++) values[index] = taylorExponential(values[index]!, order) / sum;
  }
}

/** The scale to which integer inputs are brought: 1 is then exactly ONE. */
const ONE = 2 ** 8;

/**
 * The second order in integers: 2 (1 + z + z^2/2) = (z + 1)^2 + 1, two additions and a square. For |z| up to 180.
 *
 * Largest error against the real Taylor softmax 0.001 and half of the output's scale; tests measure it.
 */
export function integerTaylorSoftmax(
  { integers, scale }: IntegerTensor,
  rowElements: number,
  outputBits: number,
): IntegerTensor {
  const toUnit = toDyadic(scale * ONE);
  checkInt32((largestMagnitude(integers) * scale * ONE + ONE) ** 2, 'the square inside Taylor softmax');
  return rowShares(integers, rowElements, outputBits, (row, weights) => {
    for (let index = 0; index < row.length; index++) {
      const root = scaleByDyadic(row[index]!, toUnit) + ONE;
      weights[index] = root * root + ONE * ONE;
    }
  });
}
