import type { Values } from './values.ts';

/** Softmax over the last axis, `length` elements; the largest is taken off first, so that nothing overflows. */
export function softmax(length: number, operand: Values, result: Values): void {
  for (let start = 0; start < result.length; start += length) {
    const end = start + length;
    let largest = -Infinity;
    for (let at = start; at < end; at++) largest = Math.max(largest, operand[at]!);
    let sum = 0;
    for (let at = start; at < end; at++) {
      const power = Math.exp(operand[at]! - largest);
      result[at] = power;
      sum += power;
    }
    for (let at = start; at < end; at++) result[at] = result[at]! / sum;
  }
}

/** From the gradient of the result and the result: y (g - sum of g y). */
export function softmaxGradient(length: number, gradient: Values, kept: Values, result: Values): void {
  for (let start = 0; start < result.length; start += length) {
    const end = start + length;
    let sum = 0;
    for (let at = start; at < end; at++) sum += gradient[at]! * kept[at]!;
    for (let at = start; at < end; at++) result[at] = kept[at]! * (gradient[at]! - sum);
  }
}
