import type { ConvSizes } from './contraction.ts';
import type { Values } from './values.ts';

/** Elements of the patch matrix of one sample and group. */
export function patchElements({ c, r, s, p, q, groups }: ConvSizes): number {
  return (c / groups) * r * s * p * q;
}

/**
 * Lays the operand out for a convolution as a product: row (channel, r, s), column (p, q) holds the element that the filter's tap
 * meets there, 0 in the padding. `start` is the first element of the sample's group.
 */
export function patches(sizes: ConvSizes, operand: Values, start: number, into: Values): void {
  const { p, q, w, stride } = sizes;
  forEachTap(sizes, (row, plane, top, left) => {
    for (let y = 0, to = row * p * q; y < p; y++) {
      const inputRow = y * stride[0] + top;
      const inside = inputRow >= 0 && inputRow < sizes.h;
      const base = start + plane + inputRow * w;
      for (let x = 0, column = left; x < q; x++, to++, column += stride[1])
        into[to] = inside && column >= 0 && column < w ? operand[base + column]! : 0;
    }
  });
}

/** The way back: every element of the patches is added to where it came from. */
export function addPatches(sizes: ConvSizes, from: Values, result: Values, start: number): void {
  const { p, q, w, stride } = sizes;
  forEachTap(sizes, (row, plane, top, left) => {
    for (let y = 0; y < p; y++) {
      const inputRow = y * stride[0] + top;
      if (inputRow < 0 || inputRow >= sizes.h) continue;
      const base = start + plane + inputRow * w;
      for (let x = 0, column = left, at = (row * p + y) * q; x < q; x++, at++, column += stride[1])
        if (column >= 0 && column < w) result[base + column] = result[base + column]! + from[at]!;
    }
  });
}

/** Calls `visit` with each row of the patch matrix, its channel's first element, and the input row and column at output (0, 0). */
function forEachTap(sizes: ConvSizes, visit: (row: number, plane: number, top: number, left: number) => void): void {
  const { c, h, w, r, s, padding, dilation, groups } = sizes;
  for (let channel = 0, row = 0; channel < c / groups; channel++)
    for (let tapY = 0; tapY < r; tapY++)
      for (let tapX = 0; tapX < s; tapX++, row++)
        visit(row, channel * h * w, tapY * dilation[0] - padding[0], tapX * dilation[1] - padding[1]);
}
