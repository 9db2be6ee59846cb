import { ModelBug } from '../../errors.ts';
import type { ConvSizes } from '../ops/contraction.ts';

/**
 * A convolution's sizes, named as in the trace's ConvOp: input [n, c, h, w], weights [k, c / groups, r, s], output [n, k, p, q]. A
 * transposed one is refused: its forward pass is the input gradient of a plain one.
 */
export type ConvShape = ConvSizes & { readonly transposed?: boolean };

/** Throws ModelBug unless all sizes are positive integers, groups divide the channels and the filter stays inside the padding. */
export function checkConvShape(shape: ConvShape): void {
  const { n, c, h, w, k, r, s, p, q, stride, padding, dilation, groups } = shape;
  const counts = [n, c, h, w, k, r, s, p, q, groups, ...stride, ...dilation];
  const [top, left, bottom, right] = padding;
  const isInside =
    (p - 1) * stride[0] + (r - 1) * dilation[0] < h + top + bottom &&
    (q - 1) * stride[1] + (s - 1) * dilation[1] < w + left + right;
  const isSound =
    shape.transposed !== true &&
    counts.every((count) => Number.isInteger(count) && count >= 1) &&
    padding.every((count) => Number.isInteger(count) && count >= 0) &&
    c % groups === 0 &&
    k % groups === 0 &&
    isInside;
  if (!isSound) throw new ModelBug(`the kernels cannot run a convolution of ${JSON.stringify(shape)}`);
}

/** Elements of the three tensors of a convolution. */
export function convLengths({ n, c, h, w, k, r, s, p, q, groups }: ConvShape): {
  readonly input: number;
  readonly weights: number;
  readonly output: number;
} {
  return { input: n * c * h * w, weights: k * (c / groups) * r * s, output: n * k * p * q };
}

/** Where a convolution's images lie in spread planes (wasm/image.ts); strides in bytes. */
export interface Layout {
  /** The image itself serves as its planes: nothing to pad, no columns to sort. */
  readonly isDirect: boolean;
  readonly planeStride: number;
  readonly rowStride: number;
  /** From one part of a row to the next; a row has as many parts as the horizontal stride. */
  readonly partStride: number;
  /** From a pixel of the output to the one below. */
  readonly pixelRowStride: number;
}

export function layoutOf({ h, w, r, s, p, q, stride, padding, dilation }: ConvShape): Layout {
  const [strideDown, strideAcross] = stride;
  const [top, left] = padding;
  const isDirect = strideAcross === 1 && padding.every((count) => count === 0);
  const height = Math.max(top + h, (p - 1) * strideDown + (r - 1) * dilation[0] + 1);
  const width = Math.max(left + w, (q - 1) * strideAcross + (s - 1) * dilation[1] + 1);
  const partStride = 4 * Math.ceil(width / strideAcross);
  const rowStride = partStride * strideAcross;
  return { isDirect, planeStride: height * rowStride, rowStride, partStride, pixelRowStride: strideDown * rowStride };
}

/** Offset in bytes of each tap (channel, r, s) of a filter over `channels` planes. */
export function tapOffsets({ r, s, stride, dilation }: ConvShape, layout: Layout, channels: number): number[] {
  const offsets: number[] = [];
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < r; row++) {
      const start = channel * layout.planeStride + row * dilation[0] * layout.rowStride;
      for (let column = 0; column < s; column++) {
        const across = column * dilation[1];
        offsets.push(start + (across % stride[1]) * layout.partStride + 4 * Math.floor(across / stride[1]));
      }
    }
  }
  return offsets;
}

/** Offset in bytes of each pixel (p, q) of the output. */
export function pixelOffsets({ p, q }: ConvShape, layout: Layout): number[] {
  return Array.from({ length: p * q }, (_, pixel) => Math.floor(pixel / q) * layout.pixelRowStride + 4 * (pixel % q));
}
