import type { GpuSpec } from '../spec.ts';

/**
 * One pass of a convolution. All sizes are those of the forward layer: n images of c x h x w, k filters of r x s, k x
 * p x q results. A transposed convolution's forward pass is the input gradient of the convolution it transposes.
 */
export interface Convolution {
  readonly name: string;
  readonly pass: 'forward' | 'input-gradient' | 'weight-gradient';
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly k: number;
  readonly r: number;
  readonly s: number;
  readonly p: number;
  readonly q: number;
  /** Along rows and along columns. */
  readonly stride: readonly [number, number];
  /** Distance of neighbouring taps along rows and along columns. */
  readonly dilation: readonly [number, number];
  /** Rows of zeros above and columns of zeros to the left of an image. */
  readonly padding: readonly [number, number];
  readonly groups: number;
  /** How activations and their gradients lie in memory. */
  readonly layout: 'NCHW' | 'NHWC';
  /** A key of the machine's `math`. */
  readonly precision: string;
  readonly operandBytes: number;
  readonly resultBytes: number;
  /**
   * The caller names cuDNN 7's implicit GEMM and tensor cores, and gets a kernel of that kind where there is one; else a
   * later library (cuDNN 8, whose kernels come with a number of slices, CUDNN_KNOB_TYPE_SPLIT_K) takes the fastest of all.
   */
  readonly tensorOnly: boolean;
  /** The same call on the same buffers was made just before, so that L2 holds of them what it can. */
  readonly warm: boolean;
}

/** Bytes of a convolution's tensors that its kernels touch. */
export interface ConvBytes {
  readonly input: number;
  readonly weights: number;
  readonly result: number;
  readonly all: number;
}

/**
 * Strides longer than the filter leave rows of the input unread, and columns where those are not neighbours in memory.
 * Gradients of those are written all the same.
 */
export function convBytes(conv: Convolution): ConvBytes {
  const { pass, n, c, h, w, k, r, s, p, q, stride, layout, operandBytes, resultBytes } = conv;
  const rows = Math.min(1, r / stride[0]);
  const columns = layout === 'NHWC' ? Math.min(1, s / stride[1]) : 1;
  const touched = pass === 'input-gradient' ? 1 : rows * columns;
  const width = (computedBy: Convolution['pass']): number => (computedBy === pass ? resultBytes : operandBytes);
  const input = n * c * h * w * width('input-gradient') * touched;
  const weights = ((k * c) / conv.groups) * r * s * width('weight-gradient');
  const result = n * k * p * q * width('forward');
  return { input, weights, result, all: input + weights + result };
}

/** Multiply-adds that the pass needs if every result is summed up directly. */
export function convMacs({ n, c, k, r, s, p, q, groups }: Convolution): number {
  return ((n * k * c) / groups) * r * s * p * q;
}

/** Whether the convolution that an input gradient is would be padded by filter - 1 - padding < 0. */
export function isPaddedBeyondFilter({ r, s, padding, dilation }: Convolution): boolean {
  return padding[0] > (r - 1) * dilation[0] || padding[1] > (s - 1) * dilation[1];
}

/** Share of what one kernel writes for the next, or reads again, that L2 cannot hold. */
export function offChipShare(spec: GpuSpec, bytes: number): number {
  return Math.max(0, 1 - (spec.l2.sizeKiB * 1024) / bytes);
}
