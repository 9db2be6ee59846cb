import type { Values } from './values.ts';

/** Windows over `planes` = samples * channels images of [height, width]; results are [planes, outHeight, outWidth]. */
export interface PoolSizes {
  readonly planes: number;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly window: readonly [number, number];
  readonly stride: readonly [number, number];
  /** top, left, bottom, right; what lies there is not counted. */
  readonly padding: readonly [number, number, number, number];
}

/** Windows along one axis, clipped to the image: elements `from` ... `to` - 1 of each. */
interface Axis {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

function clipped(count: number, stride: number, before: number, window: number, length: number): Axis {
  const from = Int32Array.from({ length: count }, (_, index) => Math.max(0, index * stride - before));
  const to = Int32Array.from({ length: count }, (_, index) => Math.min(length, index * stride - before + window));
  return { from, to };
}

function axesOf({ height, width, outHeight, outWidth, window, stride, padding }: PoolSizes): {
  rows: Axis;
  columns: Axis;
} {
  return {
    rows: clipped(outHeight, stride[0], padding[0], window[0], height),
    columns: clipped(outWidth, stride[1], padding[1], window[1], width),
  };
}

// The loops below are written out in each function: a call for every window would take longer than the window.

/** Largest element of each window; NaN if one is NaN. */
export function maxPool(sizes: PoolSizes, operand: Values, result: Values): void {
  const { planes, height, width, outHeight, outWidth } = sizes;
  const { rows, columns } = axesOf(sizes);
  for (let plane = 0, at = 0; plane < planes; plane++)
    for (let down = 0; down < outHeight; down++)
      for (let right = 0; right < outWidth; right++, at++) {
        let largest = -Infinity;
        const [left, end] = [columns.from[right]!, columns.to[right]!];
        for (let row = rows.from[down]!; row < rows.to[down]!; row++) {
          const start = (plane * height + row) * width;
          for (let from = start + left; from < start + end; from++) {
            const value = operand[from]!;
            if (!(value <= largest)) largest = value;
          }
        }
        result[at] = largest;
      }
}

/** The gradient goes to the first of the largest elements, which is looked for again. */
export function maxPoolGradient(sizes: PoolSizes, gradient: Values, operand: Values, result: Values): void {
  const { planes, height, width, outHeight, outWidth } = sizes;
  const { rows, columns } = axesOf(sizes);
  result.fill(0);
  for (let plane = 0, at = 0; plane < planes; plane++)
    for (let down = 0; down < outHeight; down++)
      for (let right = 0; right < outWidth; right++, at++) {
        const [left, end] = [columns.from[right]!, columns.to[right]!];
        let place = (plane * height + rows.from[down]!) * width + left;
        let largest = operand[place]!;
        for (let row = rows.from[down]!; row < rows.to[down]!; row++) {
          const start = (plane * height + row) * width;
          for (let from = start + left; from < start + end; from++) {
            if (operand[from]! > largest) {
              place = from;
              largest = operand[from]!;
            }
          }
        }
        result[place] = result[place]! + gradient[at]!;
      }
}

/** Mean of the elements of each window that lie in the image. */
export function averagePool(sizes: PoolSizes, operand: Values, result: Values): void {
  const { planes, height, width, outHeight, outWidth } = sizes;
  const { rows, columns } = axesOf(sizes);
  for (let plane = 0, at = 0; plane < planes; plane++)
    for (let down = 0; down < outHeight; down++)
      for (let right = 0; right < outWidth; right++, at++) {
        let sum = 0;
        const [left, end] = [columns.from[right]!, columns.to[right]!];
        const [top, bottom] = [rows.from[down]!, rows.to[down]!];
        for (let row = top; row < bottom; row++) {
          const start = (plane * height + row) * width;
          for (let from = start + left; from < start + end; from++) sum += operand[from]!;
        }
        result[at] = sum / ((bottom - top) * (end - left));
      }
}

export function averagePoolGradient(sizes: PoolSizes, gradient: Values, result: Values): void {
  const { planes, height, width, outHeight, outWidth } = sizes;
  const { rows, columns } = axesOf(sizes);
  result.fill(0);
  for (let plane = 0, at = 0; plane < planes; plane++)
    for (let down = 0; down < outHeight; down++)
      for (let right = 0; right < outWidth; right++, at++) {
        const [left, end] = [columns.from[right]!, columns.to[right]!];
        const [top, bottom] = [rows.from[down]!, rows.to[down]!];
        const share = gradient[at]! / ((bottom - top) * (end - left));
        for (let row = top; row < bottom; row++) {
          const start = (plane * height + row) * width;
          for (let to = start + left; to < start + end; to++) result[to] = result[to]! + share;
        }
      }
}
