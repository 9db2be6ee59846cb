import { InputError } from '../../errors.ts';
import type { Contractions, Matrix } from '../../numerics/ops/contraction.ts';
import type { Values } from '../../numerics/ops/values.ts';

/** Loop perforation (Sidiroglou 2011) of the sums in products. */
export interface Perforation {
  /** Every so manieth term of a sum is left out, the first one kept; at least 2. A sum of fewer terms is whole. */
  readonly every: number;
  /** Whether what is left is multiplied by terms / terms kept; the lectures' perforated loops are not. */
  readonly rescale: boolean;
}

/**
 * Contractions whose sums leave terms out: of a product along k, of a convolution along the taps of a filter, of its input gradient
 * along the filters, of its weight gradient along samples and positions. The terms are those of an operand's copy in which the others
 * are 0, so any kernel computes them. Throws InputError for an `every` that is no whole number from 2 on.
 */
export function perforated(exact: Contractions, { every, rescale }: Perforation): Contractions {
  if (!Number.isInteger(every) || every < 2)
    throw InputError.of('perforation', `every ${every}`, 'leave out every n-th term, n a whole number from 2 on');
  let scratch = exact.allocate(0);

  /** A copy of `count` elements in which those of the terms left out are 0. */
  const keepTerms = (
    count: number,
    terms: number,
    termOf: (index: number) => number,
    valueAt: (index: number) => number,
  ): Values => {
    if (scratch.length < count) scratch = exact.allocate(count);
    const factor = rescale ? terms / (terms - Math.floor(terms / every)) : 1;
    for (let index = 0; index < count; index++)
      scratch[index] = termOf(index) % every === every - 1 ? 0 : valueAt(index) * factor;
    return scratch.subarray(0, count);
  };

  return {
    allocate: (length) => exact.allocate(length),
    allFinite: (values) => exact.allFinite(values),
    descend: (slice, rate, decay) => exact.descend(slice, rate, decay),
    gemm(m, n, k, left, right, result, beta) {
      const values = keepTerms(
        k * n,
        k,
        (index) => Math.floor(index / n),
        (index) => elementOf(right, Math.floor(index / n), index % n),
      );
      exact.gemm(m, n, k, left, { values, offset: 0, leadingDimension: n, transposed: false }, result, beta);
    },
    convForward(sizes, operand, weights, result) {
      const taps = (sizes.c / sizes.groups) * sizes.r * sizes.s;
      const tapOf = (index: number): number => index % taps;
      exact.convForward(
        sizes,
        operand,
        keepTerms(weights.length, taps, tapOf, (index) => weights[index]!),
        result,
      );
    },
    convInputGradient(sizes, gradient, weights, result) {
      const [filters, taps] = [sizes.k / sizes.groups, (sizes.c / sizes.groups) * sizes.r * sizes.s];
      const filterOf = (index: number): number => Math.floor(index / taps) % filters;
      exact.convInputGradient(
        sizes,
        gradient,
        keepTerms(weights.length, filters, filterOf, (index) => weights[index]!),
        result,
      );
    },
    convWeightGradient({ n, k, p, q, ...others }, operand, gradient, result) {
      const positions = p * q;
      const positionOf = (index: number): number =>
        Math.floor(index / (k * positions)) * positions + (index % positions);
      const kept = keepTerms(gradient.length, n * positions, positionOf, (index) => gradient[index]!);
      exact.convWeightGradient({ n, k, p, q, ...others }, operand, kept, result);
    },
  };
}

function elementOf({ values, offset, leadingDimension, transposed }: Matrix, row: number, column: number): number {
  return values[offset + (transposed ? column * leadingDimension + row : row * leadingDimension + column)]!;
}
