import { ModelBug } from '../../errors.ts';
import { type KernelModule, RIGHT_OPERAND } from './load.ts';
import type { Workspace } from './workspace.ts';

/** result[m, n] (+)= left[m, k] right[k, n], row by row; strides are in elements. The result may not overlap the operands. */
export interface Gemm {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly left: Float32Array;
  readonly right: Float32Array;
  readonly result: Float32Array;
  /** The left operand is stored as [k, m]. */
  readonly leftTransposed?: boolean;
  /** The right operand is stored as [n, k]. */
  readonly rightTransposed?: boolean;
  /** From one stored row to the next; absent: rows lie one behind the other. */
  readonly leftStride?: number;
  readonly rightStride?: number;
  readonly resultStride?: number;
  /** Adds to what the result holds. */
  readonly accumulate?: boolean;
}

/** Part of the left operand that is packed at a time; the depth is a multiple of BLOCK_DEPTH in wasm/product.ts. */
const PART_ROWS = 256;
const PART_DEPTH = 1024;

/** Runs a product part by part of the left operand. Throws ModelBug if sizes, strides and arrays do not fit. */
export function gemm(module: KernelModule, workspace: Workspace, product: Gemm): void {
  const { m, n, k, left, right, result, leftTransposed = false, rightTransposed = false } = product;
  const leftStride = strideOf(workspace, left, leftTransposed ? [k, m] : [m, k], product.leftStride);
  const rightStride = strideOf(workspace, right, rightTransposed ? [n, k] : [k, n], product.rightStride);
  const resultStride = strideOf(workspace, result, [m, n], product.resultStride);
  const packed = workspace.reserve('left', (Math.min(m, PART_ROWS) + 3) * Math.min(k, PART_DEPTH)).byteOffset;
  const scratch = workspace.reserve('scratch', module.scratchBytes() / 4).byteOffset;
  for (let row = 0; row < m; row += PART_ROWS) {
    const rows = Math.min(PART_ROWS, m - row);
    for (let start = 0; start < k; start += PART_DEPTH) {
      const depth = Math.min(PART_DEPTH, k - start);
      const leftStart = left.byteOffset + 4 * (leftTransposed ? start * leftStride + row : row * leftStride + start);
      module.packLeft(leftStart, 4 * leftStride, leftTransposed ? 0 : 1, rows, depth, packed);
      module.multiply(
        rows,
        n,
        depth,
        packed,
        rightTransposed ? RIGHT_OPERAND.along : RIGHT_OPERAND.across,
        right.byteOffset + 4 * (rightTransposed ? start : start * rightStride),
        4 * rightStride,
        0,
        result.byteOffset + 4 * row * resultStride,
        4 * resultStride,
        product.accumulate === true || start > 0 ? 1 : 0,
        scratch,
      );
    }
  }
}

/** The stride of a stored matrix, once it is known to lie inside its array and its array in the memory. */
function strideOf(
  workspace: Workspace,
  array: Float32Array,
  [rows, columns]: readonly [number, number],
  stride: number = columns,
): number {
  const isSound = [rows, columns, stride].every((count) => Number.isInteger(count) && count >= 1) && stride >= columns;
  if (!isSound || (rows - 1) * stride + columns > array.length) {
    throw new ModelBug(`a matrix of ${rows}x${columns} with stride ${stride} in an array of ${array.length}`);
  }
  if (!workspace.heap.owns(array)) throw new ModelBug('an operand of a product lies outside the kernels’ memory');
  return stride;
}
