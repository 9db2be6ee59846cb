import type { ConvSizes } from './contraction.ts';
import type { Values } from './values.ts';

/**
 * The convolution whose input gradient a transposed convolution computes: operand and result change places. Its weights are
 * [c, k / groups, r, s] where the transposed layer's are [k, c / groups, r, s].
 */
export function mirroredSizes(sizes: ConvSizes): ConvSizes {
  const { n, c, h, w, k, r, s, p, q, stride, padding, dilation, groups } = sizes;
  return { n, c: k, h: p, w: q, k: c, r, s, p: h, q: w, stride, padding, dilation, groups };
}

/** Weights of `sizes` in the order of its mirrored convolution; with `mirroredSizes(sizes)` the way back. */
export function mirrorWeights({ c, k, r, s, groups }: ConvSizes, weights: Values, result: Values): void {
  const [filters, channels, taps] = [k / groups, c / groups, r * s];
  for (let group = 0; group < groups; group++)
    for (let filter = 0; filter < filters; filter++)
      for (let channel = 0; channel < channels; channel++) {
        const from = ((group * filters + filter) * channels + channel) * taps;
        const to = ((group * channels + channel) * filters + filter) * taps;
        for (let tap = 0; tap < taps; tap++) result[to + tap] = weights[from + tap]!;
      }
}
