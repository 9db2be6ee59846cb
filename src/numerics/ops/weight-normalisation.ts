import { channelSums, scaleChannels } from './channels.ts';
import type { NormSizes } from './normalisation.ts';
import type { ChannelScratch } from './running-normalisation.ts';
import type { Values } from './values.ts';

/** Where the weights of a channel lie: element `at` belongs to channel floor(at / inner) % channels. */
export interface ChannelWeights {
  readonly channels: number;
  readonly inner: number;
}

/** Squared norm of each channel's weights. */
function squaredNorms({ channels, inner }: ChannelWeights, weights: Values, result: Float64Array): void {
  result.fill(0);
  for (let at = 0; at < weights.length; at++) {
    const channel = Math.floor(at / inner) % channels;
    result[channel] = result[channel]! + weights[at]! ** 2;
  }
}

/**
 * Weight normalisation (Salimans and Kingma 2016) behind the layer: weights scale * v / |v| in a product are the product with v times
 * scale / |v|. result = operand * scale / |v| + shift.
 */
export function normaliseByWeights(
  sizes: NormSizes,
  layout: ChannelWeights,
  scratch: ChannelScratch,
  operand: Values,
  scale: Values,
  shift: Values,
  weights: Values,
  result: Values,
): void {
  setFactors(layout, scratch, scale, weights);
  scaleChannels(sizes, scratch.factor, shift, operand, result);
}

function setFactors(layout: ChannelWeights, scratch: ChannelScratch, scale: Values, weights: Values): void {
  squaredNorms(layout, weights, scratch.variance);
  for (let channel = 0; channel < layout.channels; channel++)
    scratch.factor[channel] = scale[channel]! / Math.sqrt(scratch.variance[channel]!);
}

export function normaliseByWeightsGradient(
  sizes: NormSizes,
  layout: ChannelWeights,
  scratch: ChannelScratch,
  gradient: Values,
  scale: Values,
  weights: Values,
  result: Values,
): void {
  setFactors(layout, scratch, scale, weights);
  scratch.offset.fill(0);
  scaleChannels(sizes, scratch.factor, scratch.offset, gradient, result);
}

/** Gradients of scale and shift, and the share that v gets through its norm: -scale * (gradient . operand) v / |v|^3. */
export function weightNormGradient(
  sizes: NormSizes,
  layout: ChannelWeights,
  scratch: ChannelScratch,
  gradient: Values,
  operand: Values,
  scale: Values,
  weights: Values,
  results: { readonly scale: Values; readonly shift: Values; readonly weights: Values },
): void {
  const { mean: sums, offset: products, factor, variance } = scratch;
  channelSums(sizes, gradient, operand, sums, products);
  setFactors(layout, scratch, scale, weights);
  for (let channel = 0; channel < layout.channels; channel++) {
    results.shift[channel] = sums[channel]!;
    results.scale[channel] = products[channel]! / Math.sqrt(variance[channel]!);
  }
  for (let at = 0; at < weights.length; at++) {
    const channel = Math.floor(at / layout.inner) % layout.channels;
    results.weights[at] = (-factor[channel]! * products[channel]! * weights[at]!) / variance[channel]!;
  }
}
