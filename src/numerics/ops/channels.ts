import type { NormSizes } from './normalisation.ts';
import type { Values } from './values.ts';

/** Mean and variance of each channel over samples and positions; the variance in a second pass, which keeps small ones exact. */
export function channelStatistics(sizes: NormSizes, operand: Values, mean: Float64Array, variance: Float64Array): void {
  const count = sizes.samples * sizes.positions;
  mean.fill(0);
  variance.fill(0);
  forEachRun(sizes, (channel, start, end, step) => {
    let sum = 0;
    for (let at = start; at < end; at += step) sum += operand[at]!;
    mean[channel] = mean[channel]! + sum / count;
  });
  forEachRun(sizes, (channel, start, end, step) => {
    const middle = mean[channel]!;
    let squares = 0;
    for (let at = start; at < end; at += step) squares += (operand[at]! - middle) ** 2;
    variance[channel] = variance[channel]! + squares / count;
  });
}

/** result = operand * factor + offset, both a channel. */
export function scaleChannels(
  sizes: NormSizes,
  factor: ArrayLike<number>,
  offset: ArrayLike<number>,
  operand: Values,
  result: Values,
): void {
  forEachRun(sizes, (channel, start, end, step) => {
    const [times, plus] = [factor[channel]!, offset[channel]!];
    for (let at = start; at < end; at += step) result[at] = operand[at]! * times + plus;
  });
}

/** Sums of the gradient, and of gradient times operand, over samples and positions of each channel. */
export function channelSums(
  sizes: NormSizes,
  gradient: Values,
  operand: Values,
  sum: Float64Array,
  product: Float64Array,
): void {
  sum.fill(0);
  product.fill(0);
  forEachRun(sizes, (channel, start, end, step) => {
    let [total, times] = [0, 0];
    for (let at = start; at < end; at += step) {
      total += gradient[at]!;
      times += gradient[at]! * operand[at]!;
    }
    sum[channel] = sum[channel]! + total;
    product[channel] = product[channel]! + times;
  });
}

/** Calls `visit` with the positions of every channel of every sample, sample by sample. */
export function forEachRun(
  { samples, channels, positions, channelStride, positionStride }: NormSizes,
  visit: (channel: number, start: number, end: number, step: number, sample: number) => void,
): void {
  for (let sample = 0; sample < samples; sample++)
    for (let channel = 0; channel < channels; channel++) {
      const start = sample * channels * positions + channel * channelStride;
      visit(channel, start, start + positions * positionStride, positionStride, sample);
    }
}
