import { InputError } from '../../errors.ts';
import type { Values } from '../../numerics/ops/values.ts';
import type { SparsePattern, Trace } from '../../trace/trace.ts';
import { prunableWeights, type WeightLayout } from './weight-layout.ts';

/** Reads `N:M`, N of every M neighbours that may stay. Throws InputError naming the option. */
export function readPattern(text: string, where: string): SparsePattern {
  const [n, m] = /^[1-9]\d?:[1-9]\d?$/.test(text) ? text.split(':').map(Number) : [];
  if (n === undefined || m === undefined || n >= m)
    throw InputError.of(where, text, 'write N:M with N below M and both below 100, for example 2:4');
  return { n, m };
}

/** Whether every row along the input channels is made of whole groups of m, none with more than n elements that are not zero. */
export function hasPattern(
  { layout, values }: { layout: WeightLayout; values: Values },
  pattern: SparsePattern,
): boolean {
  const { outputs, channels, taps, outputStride, channelStride } = layout;
  if (channels % pattern.m !== 0) return false;
  for (let output = 0; output < outputs; output++)
    for (let tap = 0; tap < taps; tap++)
      for (let first = 0; first < channels; first += pattern.m) {
        let present = 0;
        for (let channel = first; channel < first + pattern.m; channel++)
          if (values[output * outputStride + channel * channelStride + tap] !== 0) present++;
        if (present > pattern.n) return false;
      }
  return true;
}

/**
 * The trace with a pattern in the weights of products and convolutions that `marks` picks, out of those whose input channels come
 * in whole groups; nothing else changes.
 */
export function withPattern(
  trace: Trace,
  { n, m }: SparsePattern,
  marks: (layout: WeightLayout) => boolean = () => true,
): Trace {
  const layouts = prunableWeights(trace).filter((layout) => layout.channels % m === 0 && marks(layout));
  const names = new Set(layouts.map(({ name }) => name));
  const tensors = trace.tensors.map((tensor) =>
    tensor.role === 'weight' && names.has(tensor.name) ? { ...tensor, pattern: { n, m } } : tensor,
  );
  return { ...trace, tensors };
}
