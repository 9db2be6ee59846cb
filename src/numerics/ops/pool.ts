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

/** A window clipped to its image: its rows, columns, and the image's first element. */
type Visit = (result: number, image: number, top: number, bottom: number, left: number, right: number) => void;

function forEachWindow(sizes: PoolSizes, visit: Visit): void {
  const { planes, height, width, outHeight, outWidth, window, stride, padding } = sizes;
  for (let plane = 0, result = 0; plane < planes; plane++)
    for (let row = 0; row < outHeight; row++) {
      const top = row * stride[0] - padding[0];
      for (let column = 0; column < outWidth; column++, result++) {
        const left = column * stride[1] - padding[1];
        const bottom = Math.min(top + window[0], height);
        const right = Math.min(left + window[1], width);
        visit(result, plane * height * width, Math.max(top, 0), bottom, Math.max(left, 0), right);
      }
    }
}

/** Largest element of each window; NaN if one is NaN. */
export function maxPool(sizes: PoolSizes, operand: Values, result: Values): void {
  const { width } = sizes;
  forEachWindow(sizes, (at, image, top, bottom, left, right) => {
    let largest = -Infinity;
    for (let row = top; row < bottom; row++)
      for (let column = left, from = image + row * width + left; column < right; column++, from++) {
        const value = operand[from]!;
        if (!(value <= largest)) largest = value;
      }
    result[at] = largest;
  });
}

/** The gradient goes to the first of the largest elements, which is looked for again. */
export function maxPoolGradient(sizes: PoolSizes, gradient: Values, operand: Values, result: Values): void {
  const { width } = sizes;
  result.fill(0);
  forEachWindow(sizes, (at, image, top, bottom, left, right) => {
    let place = image + top * width + left;
    for (let row = top; row < bottom; row++)
      for (let column = left, from = image + row * width + left; column < right; column++, from++)
        if (operand[from]! > operand[place]!) place = from;
    result[place] = result[place]! + gradient[at]!;
  });
}

/** Mean of the elements of each window that lie in the image. */
export function averagePool(sizes: PoolSizes, operand: Values, result: Values): void {
  const { width } = sizes;
  forEachWindow(sizes, (at, image, top, bottom, left, right) => {
    let sum = 0;
    for (let row = top; row < bottom; row++)
      for (let column = left, from = image + row * width + left; column < right; column++, from++)
        sum += operand[from]!;
    result[at] = sum / ((bottom - top) * (right - left));
  });
}

export function averagePoolGradient(sizes: PoolSizes, gradient: Values, result: Values): void {
  const { width } = sizes;
  result.fill(0);
  forEachWindow(sizes, (at, image, top, bottom, left, right) => {
    const share = gradient[at]! / ((bottom - top) * (right - left));
    for (let row = top; row < bottom; row++)
      for (let column = left, to = image + row * width + left; column < right; column++, to++)
        result[to] = result[to]! + share;
  });
}
