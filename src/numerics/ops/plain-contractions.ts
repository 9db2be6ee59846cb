import type { Contractions, ConvSizes, Matrix } from './contraction.ts';
import { plainGemm } from './gemm.ts';
import { addPatches, patchElements, patches } from './patches.ts';
import type { Values } from './values.ts';
import { PLAIN_PASSES } from './whole.ts';

/** Contractions in TypeScript alone, in single or double precision. Convolutions are products with patches of one sample and group. */
export function plainContractions(precision: 'float32' | 'float64' = 'float32'): Contractions {
  const allocate = (length: number): Values =>
    precision === 'float32' ? new Float32Array(length) : new Float64Array(length);
  let scratch = allocate(0);
  const [left, right, result] = [matrix(scratch), matrix(scratch), matrix(scratch)];

  /** Visits every sample and group with the offsets of its operand, its weights and its result. */
  const forEachGroup = (sizes: ConvSizes, visit: (operand: number, weights: number, output: number) => void): void => {
    const { n, c, h, w, k, r, s, p, q, groups } = sizes;
    if (scratch.length < patchElements(sizes)) scratch = allocate(patchElements(sizes));
    for (let sample = 0; sample < n; sample++)
      for (let group = 0; group < groups; group++) {
        const filters = group * (k / groups);
        const channels = group * (c / groups);
        visit((sample * c + channels) * h * w, filters * (c / groups) * r * s, (sample * k + filters) * p * q);
      }
  };

  return {
    ...PLAIN_PASSES,
    allocate,
    gemm: plainGemm,
    convForward(sizes, operand, weights, into) {
      const [filters, taps, positions] = productSizes(sizes);
      forEachGroup(sizes, (from, weightsFrom, to) => {
        patches(sizes, operand, from, scratch);
        point(left, weights, weightsFrom, taps, false);
        point(right, scratch, 0, positions, false);
        point(result, into, to, positions, false);
        plainGemm(filters, positions, taps, left, right, result, 0);
      });
    },
    convInputGradient(sizes, gradient, weights, into) {
      const [filters, taps, positions] = productSizes(sizes);
      into.fill(0);
      forEachGroup(sizes, (to, weightsFrom, from) => {
        point(left, weights, weightsFrom, taps, true);
        point(right, gradient, from, positions, false);
        point(result, scratch, 0, positions, false);
        plainGemm(taps, positions, filters, left, right, result, 0);
        addPatches(sizes, scratch, into, to);
      });
    },
    convWeightGradient(sizes, operand, gradient, into) {
      const [filters, taps, positions] = productSizes(sizes);
      into.fill(0);
      forEachGroup(sizes, (from, weightsTo, gradientFrom) => {
        patches(sizes, operand, from, scratch);
        point(left, gradient, gradientFrom, positions, false);
        point(right, scratch, 0, positions, true);
        point(result, into, weightsTo, taps, false);
        plainGemm(filters, taps, positions, left, right, result, 1);
      });
    },
  };
}

function matrix(values: Values): Matrix {
  return { values, offset: 0, leadingDimension: 0, transposed: false };
}

function point(at: Matrix, values: Values, offset: number, leadingDimension: number, transposed: boolean): void {
  at.values = values;
  at.offset = offset;
  at.leadingDimension = leadingDimension;
  at.transposed = transposed;
}

/** Of one group: filters, taps of a filter, output positions. */
function productSizes({ c, k, r, s, p, q, groups }: ConvSizes): [number, number, number] {
  return [k / groups, (c / groups) * r * s, p * q];
}
