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

/** Runs a product in the way that suits its sizes: all give the same bits. Throws ModelBug if sizes, strides and arrays do not fit. */
export function gemm(module: KernelModule, workspace: Workspace, product: Gemm): void {
  const whole = withDefaults(product);
  const { m, n, k, leftTransposed, rightTransposed } = whole;
  check(workspace, whole.left, leftTransposed ? k : m, leftTransposed ? m : k, whole.leftStride);
  check(workspace, whole.right, rightTransposed ? n : k, rightTransposed ? k : n, whole.rightStride);
  check(workspace, whole.result, m, n, whole.resultStride);
  if (k === 1 && !rightTransposed) outerProduct(module, whole);
  else if (m === 1) multiplyRow(module, whole);
  else multiplyParts(module, workspace, whole);
}

function withDefaults(product: Gemm): Required<Gemm> {
  const { m, n, k, leftTransposed = false, rightTransposed = false, accumulate = false } = product;
  const { leftStride = leftTransposed ? m : k, rightStride = rightTransposed ? k : n, resultStride = n } = product;
  return { ...product, leftTransposed, rightTransposed, leftStride, rightStride, resultStride, accumulate };
}

/** A column times a row. */
function outerProduct(module: KernelModule, product: Required<Gemm>): void {
  const { m, n, left, right, result, leftTransposed, leftStride, resultStride, accumulate } = product;
  module.outerProduct(
    m,
    n,
    left.byteOffset,
    leftTransposed ? 4 : 4 * leftStride,
    right.byteOffset,
    result.byteOffset,
    4 * resultStride,
    accumulate ? 1 : 0,
  );
}

/** A row times a matrix. */
function multiplyRow(module: KernelModule, product: Required<Gemm>): void {
  const { n, k, left, right, result, leftTransposed, rightTransposed, leftStride, rightStride, accumulate } = product;
  module.multiplyRow(
    n,
    k,
    left.byteOffset,
    leftTransposed ? 4 * leftStride : 4,
    rightTransposed ? 1 : 0,
    right.byteOffset,
    4 * rightStride,
    result.byteOffset,
    accumulate ? 1 : 0,
  );
}

/** Part by part of the left operand, both operands packed. */
function multiplyParts(module: KernelModule, workspace: Workspace, product: Required<Gemm>): void {
  const { m, n, k, left, right, result, leftTransposed, rightTransposed } = product;
  const { leftStride, rightStride, resultStride, accumulate } = product;
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
        accumulate || start > 0 ? 1 : 0,
        scratch,
      );
    }
  }
}

/** That a stored matrix lies inside its array and its array in the memory. */
function check(workspace: Workspace, array: Float32Array, rows: number, columns: number, stride: number): void {
  const isSound = isCount(rows) && isCount(columns) && isCount(stride) && stride >= columns;
  if (!isSound || (rows - 1) * stride + columns > array.length)
    throw new ModelBug(`a matrix of ${rows}x${columns} with stride ${stride} in an array of ${array.length}`);
  if (!workspace.heap.owns(array)) throw new ModelBug('an operand of a product lies outside the kernels’ memory');
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}
