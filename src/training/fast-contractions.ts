import type { Kernels } from '../numerics/kernels/kernels.ts';
import type { Contractions } from '../numerics/ops/contraction.ts';
import { ModelBug } from '../errors.ts';
import type { Values } from '../numerics/ops/values.ts';

function single(values: Values): Float32Array {
  if (values instanceof Float32Array) return values;
  throw new ModelBug('the fast kernels compute in single precision only');
}

/** A matrix's array from its offset on: what the kernels take. */
function from(values: Values, offset: number): Float32Array {
  return offset === 0 ? single(values) : single(values).subarray(offset);
}

/** Products, convolutions and passes over weights by the WebAssembly kernels, all values in their memory. */
export function fastContractions(kernels: Kernels): Contractions {
  return {
    allocate: (length) => kernels.heap.allocate(length),
    allFinite: (values) => kernels.allFinite(single(values)),
    descend: ({ weight, gradient, start, gradientStart, length, gradientFactor }, rate, decay) => {
      const weights = single(weight).subarray(start, start + length);
      const gradients = single(gradient).subarray(gradientStart, gradientStart + length);
      kernels.descend(weights, gradients, rate, gradientFactor, decay);
    },
    descendAlong: (weights, column, row, rate, factor, decay) =>
      kernels.descendAlong(single(weights), single(column), single(row), rate, factor, decay),
    gemm: (m, n, k, left, right, result, beta) =>
      kernels.gemm({
        m,
        n,
        k,
        left: from(left.values, left.offset),
        right: from(right.values, right.offset),
        result: from(result.values, result.offset),
        leftStride: left.leadingDimension,
        rightStride: right.leadingDimension,
        resultStride: result.leadingDimension,
        leftTransposed: left.transposed,
        rightTransposed: right.transposed,
        accumulate: beta === 1,
      }),
    convForward: (sizes, operand, weights, result) =>
      kernels.convForward(sizes, single(operand), single(weights), single(result)),
    convInputGradient: (sizes, gradient, weights, result) =>
      kernels.convInputGradient(sizes, single(gradient), single(weights), single(result)),
    convWeightGradient: (sizes, operand, gradient, result) =>
      kernels.convWeightGradient(sizes, single(operand), single(gradient), single(result)),
  };
}
