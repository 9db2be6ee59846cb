import type { ConvOp } from '../../trace/trace.ts';
import type { Values } from './values.ts';
import type { WholePasses } from './whole.ts';

/** A matrix inside a larger array: rows of `leadingDimension` elements from `offset` on. Reused from product to product. */
export interface Matrix {
  values: Values;
  offset: number;
  leadingDimension: number;
  /** Stored with rows and columns exchanged. */
  transposed: boolean;
}

/** Sizes of a convolution that is not transposed; as in a trace's ConvOp, always those of the forward layer. */
export type ConvSizes = Pick<
  ConvOp,
  'n' | 'c' | 'h' | 'w' | 'k' | 'r' | 's' | 'p' | 'q' | 'stride' | 'padding' | 'dilation' | 'groups'
>;

/**
 * Products of matrices, convolutions and passes over all weights: nearly all of a network's arithmetic, in one place so that it can be
 * exchanged for a faster one. Activations [n, c, h, w] and [n, k, p, q], weights [k, c / groups, r, s], all dense. Results overwrite.
 */
export interface Contractions extends WholePasses {
  /** Room for so many elements, zeroed, that stays valid; every operand of the other functions was made here. */
  allocate(length: number): Values;
  /** result [m, n] = left [m, k] right [k, n] (beta 0), or that added to it (beta 1). The result is not transposed. */
  gemm(m: number, n: number, k: number, left: Matrix, right: Matrix, result: Matrix, beta: 0 | 1): void;
  /**
   * weights[i, j] -= rate (factor column[i] row[j] + decay weights[i, j]): descent along a product that is rounded but not stored. Only
   * where gemm rounds each product once; weights that are not finite may stay as they are.
   */
  descendAlong?(weights: Values, column: Values, row: Values, rate: number, factor: number, decay: number): void;
  convForward(sizes: ConvSizes, operand: Values, weights: Values, result: Values): void;
  convInputGradient(sizes: ConvSizes, gradient: Values, weights: Values, result: Values): void;
  convWeightGradient(sizes: ConvSizes, operand: Values, gradient: Values, result: Values): void;
}
