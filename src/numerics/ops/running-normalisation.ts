import { channelStatistics, scaleChannels } from './channels.ts';
import { EPSILON, normaliseGradient, type NormSizes, normWeightGradient } from './normalisation.ts';
import type { Values } from './values.ts';

/** Share of the running statistics of batch normalisation that a batch replaces (frameworks' usual value). */
const BATCH_SHARE = 0.1;
/** The same for batch renormalisation (Ioffe 2017). */
const RENORM_SHARE = 0.01;

/** Statistics that training keeps for tests; `spread` is a variance, or for batch renormalisation a standard deviation. */
export interface RunningStatistics {
  readonly mean: Values;
  readonly spread: Values;
}

/** How far batch renormalisation may move away from the statistics of the batch: r within [1 / ratio, ratio], |d| up to shift. */
export interface RenormLimits {
  readonly ratio: number;
  readonly shift: number;
}

/** What normalisations work with between passes, one number a channel. */
export interface ChannelScratch {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly factor: Float64Array;
  readonly offset: Float64Array;
}

export function channelScratch(channels: number): ChannelScratch {
  const make = (): Float64Array => new Float64Array(channels);
  return { mean: make(), variance: make(), factor: make(), offset: make() };
}

/** A normalisation as one factor and one offset a channel: inverse * scale, and shift - mean * factor. */
function setFactor(scratch: ChannelScratch, channel: number, mean: number, inverse: number, scale: number): void {
  scratch.factor[channel] = inverse * scale;
  scratch.offset[channel] = -mean * inverse * scale;
}

/** (operand - mean) / spread * scale + shift by stored statistics, as in a test. */
export function normaliseStored(
  sizes: NormSizes,
  spreadIs: 'variance' | 'deviation',
  statistics: RunningStatistics,
  scratch: ChannelScratch,
  operand: Values,
  scale: Values,
  shift: Values,
  result: Values,
): void {
  for (let channel = 0; channel < sizes.channels; channel++) {
    const spread = statistics.spread[channel]!;
    const inverse = spreadIs === 'variance' ? 1 / Math.sqrt(spread + EPSILON) : 1 / spread;
    setFactor(scratch, channel, statistics.mean[channel]!, inverse, scale[channel]!);
    scratch.offset[channel] = scratch.offset[channel]! + shift[channel]!;
  }
  scaleChannels(sizes, scratch.factor, scratch.offset, operand, result);
}

/**
 * Batch normalisation in training (Ioffe and Szegedy 2015): by the statistics of the batch, which go into the running ones, the variance
 * as that of the population (count / (count - 1)).
 */
export function normaliseBatch(
  sizes: NormSizes,
  statistics: RunningStatistics,
  scratch: ChannelScratch,
  operand: Values,
  scale: Values,
  shift: Values,
  result: Values,
): void {
  const count = sizes.samples * sizes.positions;
  const population = count / Math.max(1, count - 1);
  channelStatistics(sizes, operand, scratch.mean, scratch.variance);
  for (let channel = 0; channel < sizes.channels; channel++) {
    const [mean, variance] = [scratch.mean[channel]!, scratch.variance[channel]!];
    setFactor(scratch, channel, mean, 1 / Math.sqrt(variance + EPSILON), scale[channel]!);
    scratch.offset[channel] = scratch.offset[channel]! + shift[channel]!;
    approach(statistics.mean, channel, mean, BATCH_SHARE);
    approach(statistics.spread, channel, variance * population, BATCH_SHARE);
  }
  scaleChannels(sizes, scratch.factor, scratch.offset, operand, result);
}

/**
 * Batch renormalisation (Ioffe 2017): the batch's normal value times r plus d, r = deviation of the batch / running deviation and d =
 * (mean of the batch - running mean) / running deviation, both limited and taken as constants by the backward pass, which finds r and d
 * of all channels in `corrections` [2, channels]. Then the running statistics approach those of the batch.
 */
export function renormalise(
  sizes: NormSizes,
  limits: RenormLimits,
  statistics: RunningStatistics,
  scratch: ChannelScratch,
  operand: Values,
  scale: Values,
  shift: Values,
  result: Values,
  corrections: Values,
): void {
  const { channels } = sizes;
  channelStatistics(sizes, operand, scratch.mean, scratch.variance);
  for (let channel = 0; channel < channels; channel++) {
    const mean = scratch.mean[channel]!;
    const deviation = Math.sqrt(scratch.variance[channel]! + EPSILON);
    const running = statistics.spread[channel]!;
    corrections[channel] = Math.min(Math.max(deviation / running, 1 / limits.ratio), limits.ratio);
    const distance = (mean - statistics.mean[channel]!) / running;
    corrections[channels + channel] = Math.min(Math.max(distance, -limits.shift), limits.shift);
    approach(statistics.mean, channel, mean, RENORM_SHARE);
    approach(statistics.spread, channel, deviation, RENORM_SHARE);
  }
  applyCorrections(sizes, scratch, corrections, operand, scale, shift, result);
}

/** The same result once more, by corrections that are known: the operand's own statistics are taken again. */
export function renormaliseAgain(
  sizes: NormSizes,
  scratch: ChannelScratch,
  corrections: Values,
  operand: Values,
  scale: Values,
  shift: Values,
  result: Values,
): void {
  channelStatistics(sizes, operand, scratch.mean, scratch.variance);
  applyCorrections(sizes, scratch, corrections, operand, scale, shift, result);
}

function applyCorrections(
  sizes: NormSizes,
  scratch: ChannelScratch,
  corrections: Values,
  operand: Values,
  scale: Values,
  shift: Values,
  result: Values,
): void {
  const { channels } = sizes;
  for (let channel = 0; channel < channels; channel++) {
    const inverse = corrections[channel]! / Math.sqrt(scratch.variance[channel]! + EPSILON);
    setFactor(scratch, channel, scratch.mean[channel]!, inverse, scale[channel]!);
    scratch.offset[channel] =
      scratch.offset[channel]! + corrections[channels + channel]! * scale[channel]! + shift[channel]!;
  }
  scaleChannels(sizes, scratch.factor, scratch.offset, operand, result);
}

/** Gradient of the operand: that of batch normalisation with r times the scale, as r and d are constants. */
export function renormaliseGradient(
  sizes: NormSizes,
  scratch: ChannelScratch,
  corrections: Values,
  gradient: Values,
  operand: Values,
  scale: Values,
  result: Values,
): void {
  for (let channel = 0; channel < sizes.channels; channel++)
    scratch.factor[channel] = corrections[channel]! * scale[channel]!;
  normaliseGradient(sizes, gradient, operand, scratch.factor, result);
}

/** Gradients of scale, the sum of gradient * (normal value * r + d), and shift. */
export function renormWeightGradient(
  sizes: NormSizes,
  corrections: Values,
  gradient: Values,
  operand: Values,
  scaleGradient: Values,
  shiftGradient: Values,
): void {
  const { channels } = sizes;
  normWeightGradient(sizes, gradient, operand, scaleGradient, shiftGradient);
  for (let channel = 0; channel < channels; channel++)
    scaleGradient[channel] =
      corrections[channel]! * scaleGradient[channel]! + corrections[channels + channel]! * shiftGradient[channel]!;
}

function approach(statistic: Values, channel: number, value: number, share: number): void {
  statistic[channel] = statistic[channel]! + share * (value - statistic[channel]!);
}
