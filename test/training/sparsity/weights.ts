import type { Weight } from '../../../src/training/sparsity/weight-layout.ts';

/** A matrix [channels, outputs] given row by row. */
export function matrix(name: string, channels: number, outputs: number, values: readonly number[]): Weight {
  return {
    layout: { name, outputs, channels, taps: 1, outputStride: 1, channelStride: outputs },
    values: Float64Array.from(values),
  };
}

/** Filters [outputs, channels, taps] given in this order. */
export function filters(
  name: string,
  outputs: number,
  channels: number,
  taps: number,
  values: readonly number[],
): Weight {
  return {
    layout: { name, outputs, channels, taps, outputStride: channels * taps, channelStride: taps },
    values: Float64Array.from(values),
  };
}
