import type { Values } from './values.ts';

/** Added to a variance before its root. */
export const EPSILON = 1e-5;
/** Groups of a group normalisation (Wu and He 2018), where the channels allow it. */
const GROUPS = 32;

/**
 * Elements [samples, channels, positions] and which of them share a mean and a variance: all whose sample, channel and position lie
 * in the same block of `samplesShared`, `channelsShared` and `positionsShared`.
 */
export interface NormSizes {
  readonly samples: number;
  readonly channels: number;
  readonly positions: number;
  readonly channelStride: number;
  readonly positionStride: number;
  readonly samplesShared: number;
  readonly channelsShared: number;
  readonly positionsShared: number;
}

/** Normalisations that need nothing but their operand. */
export type NormFunction = 'batch' | 'layer' | 'instance' | 'group';

/**
 * Channels are axis 1 of a feature map [N, C, H, W], else the last axis. batch: a channel over samples and positions; instance: a
 * channel of a sample over positions; group: channels of a sample by groups, the largest number of groups that divides them, up to
 * 32 and to half of the channels; layer: a whole sample of a feature map, else each position over its channels.
 */
export function normSizes(norm: NormFunction, shape: readonly number[]): NormSizes {
  const map = shape.length === 4;
  const samples = shape[0]!;
  const channels = map ? shape[1]! : shape[shape.length - 1]!;
  const positions = shape.reduce((product, length) => product * length, 1) / (samples * channels);
  const shared = {
    batch: [samples, 1, positions],
    instance: [1, 1, positions],
    group: [1, channels / groupsOf(channels), positions],
    layer: [1, channels, map ? positions : 1],
  }[norm];
  return {
    samples,
    channels,
    positions,
    channelStride: map ? positions : 1,
    positionStride: map ? 1 : channels,
    samplesShared: shared[0]!,
    channelsShared: shared[1]!,
    positionsShared: shared[2]!,
  };
}

function groupsOf(channels: number): number {
  let groups = Math.max(1, Math.min(GROUPS, Math.floor(channels / 2)));
  while (channels % groups !== 0) groups--;
  return groups;
}

/** One set of elements with common statistics. */
interface Block {
  sample: number;
  channel: number;
  position: number;
  mean: number;
  /** 1 / sqrt(variance + epsilon). */
  inverse: number;
}

/** result = (operand - mean) / sqrt(variance + 1e-5) * scale + shift. The variance divides by the number of elements. */
export function normalise(sizes: NormSizes, operand: Values, scale: Values, shift: Values, result: Values): void {
  forEachBlock(sizes, operand, (block) => {
    forEachRow(sizes, block, (start, channel) => {
      const factor = block.inverse * scale[channel]!;
      const offset = shift[channel]! - block.mean * factor;
      const end = start + sizes.positionsShared * sizes.positionStride;
      for (let at = start; at < end; at += sizes.positionStride) result[at] = operand[at]! * factor + offset;
    });
  });
}

/** Gradient of the operand; the statistics depend on it too. */
export function normaliseGradient(
  sizes: NormSizes,
  gradient: Values,
  operand: Values,
  scale: ArrayLike<number>,
  result: Values,
): void {
  const { positionsShared, positionStride } = sizes;
  const count = sizes.samplesShared * sizes.channelsShared * positionsShared;
  const length = positionsShared * positionStride;
  forEachBlock(sizes, operand, (block) => {
    let sum = 0;
    let sumTimes = 0;
    forEachRow(sizes, block, (start, channel) => {
      const factor = scale[channel]!;
      for (let at = start; at < start + length; at += positionStride) {
        const share = gradient[at]! * factor;
        sum += share;
        sumTimes += share * (operand[at]! - block.mean) * block.inverse;
      }
    });
    forEachRow(sizes, block, (start, channel) => {
      const factor = scale[channel]!;
      for (let at = start; at < start + length; at += positionStride) {
        const normal = (operand[at]! - block.mean) * block.inverse;
        result[at] = block.inverse * (gradient[at]! * factor - (sum + normal * sumTimes) / count);
      }
    });
  });
}

/** Gradients of scale and shift, one a channel. */
export function normWeightGradient(
  sizes: NormSizes,
  gradient: Values,
  operand: Values,
  scaleGradient: Values,
  shiftGradient: Values,
): void {
  const { positionsShared, positionStride } = sizes;
  scaleGradient.fill(0);
  shiftGradient.fill(0);
  forEachBlock(sizes, operand, (block) => {
    forEachRow(sizes, block, (start, channel) => {
      let sum = 0;
      let sumTimes = 0;
      for (let at = start; at < start + positionsShared * positionStride; at += positionStride) {
        sum += gradient[at]!;
        sumTimes += gradient[at]! * (operand[at]! - block.mean) * block.inverse;
      }
      shiftGradient[channel] = shiftGradient[channel]! + sum;
      scaleGradient[channel] = scaleGradient[channel]! + sumTimes;
    });
  });
}

/** Calls `visit` with every block and its statistics; variance in a second pass, which keeps small variances exact. */
function forEachBlock(sizes: NormSizes, operand: Values, visit: (block: Block) => void): void {
  const { samples, channels, positions, samplesShared, channelsShared, positionsShared, positionStride } = sizes;
  const count = samplesShared * channelsShared * positionsShared;
  const length = positionsShared * positionStride;
  const block: Block = { sample: 0, channel: 0, position: 0, mean: 0, inverse: 0 };
  for (block.sample = 0; block.sample < samples; block.sample += samplesShared)
    for (block.channel = 0; block.channel < channels; block.channel += channelsShared)
      for (block.position = 0; block.position < positions; block.position += positionsShared) {
        let sum = 0;
        forEachRow(sizes, block, (start) => {
          for (let at = start; at < start + length; at += positionStride) sum += operand[at]!;
        });
        const mean = sum / count;
        let squares = 0;
        forEachRow(sizes, block, (start) => {
          for (let at = start; at < start + length; at += positionStride) squares += (operand[at]! - mean) ** 2;
        });
        block.mean = mean;
        block.inverse = 1 / Math.sqrt(squares / count + EPSILON);
        visit(block);
      }
}

/** Calls `visit` with the first element and the channel of every run of positions in a block. */
function forEachRow(sizes: NormSizes, block: Block, visit: (start: number, channel: number) => void): void {
  const { channels, positions, channelStride, positionStride } = sizes;
  for (let sample = block.sample; sample < block.sample + sizes.samplesShared; sample++)
    for (let channel = block.channel; channel < block.channel + sizes.channelsShared; channel++)
      visit(sample * channels * positions + channel * channelStride + block.position * positionStride, channel);
}
