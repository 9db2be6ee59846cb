import { ModelBug } from '../../errors.ts';
import { type AffineGrid, type AffineOptions, affineGrid, dequantizeValue, quantizeValue } from './affine.ts';
import type { Rounding } from './rounding.ts';

/**
 * How the elements of a tensor share grids: in memory order, each run of `innerElements` belongs to the next of `channels`
 * channels, round and round. [K, C, R, S] by K: K channels of C*R*S; a matrix [rows, columns] by column: columns of 1.
 */
export interface ChannelLayout {
  readonly channels: number;
  readonly innerElements: number;
}

/** One grid for the whole tensor. */
export function perTensor(elements: number): ChannelLayout {
  return { channels: 1, innerElements: elements };
}

/** int8 and int4 alike hold one integer a byte; storage width is a matter of the trace's dtype. */
export interface AffineTensor {
  readonly integers: Int8Array;
  readonly grids: readonly AffineGrid[];
  readonly layout: ChannelLayout;
}

/** The grid of each channel from the least and greatest value in it. */
export function measureGrids(values: Float32Array, layout: ChannelLayout, options: AffineOptions): AffineGrid[] {
  const minima = new Float64Array(layout.channels);
  const maxima = new Float64Array(layout.channels);
  eachRun(values.length, layout, (channel, start, end) => {
    for (let index = start; index < end; index++) {
      const value = values[index]!;
      if (!Number.isFinite(value))
        throw new ModelBug(`element ${index} is ${value}: it has no place on an integer grid`);
      if (value < minima[channel]!) minima[channel] = value;
      if (value > maxima[channel]!) maxima[channel] = value;
    }
  });
  return Array.from(minima, (minimum, channel) => affineGrid(minimum, maxima[channel]!, options));
}

export function quantizeAffine(
  values: Float32Array,
  layout: ChannelLayout,
  grids: readonly AffineGrid[],
  rounding: Rounding,
): AffineTensor {
  const integers = new Int8Array(values.length);
  eachRun(values.length, layout, (channel, start, end) => {
    const grid = grids[channel]!;
    for (let index = start; index < end; index++) integers[index] = quantizeValue(values[index]!, grid, rounding);
  });
  return { integers, grids, layout };
}

export function dequantizeAffine({ integers, grids, layout }: AffineTensor): Float32Array {
  const values = new Float32Array(integers.length);
  eachRun(integers.length, layout, (channel, start, end) => {
    const grid = grids[channel]!;
    for (let index = start; index < end; index++) values[index] = dequantizeValue(integers[index]!, grid);
  });
  return values;
}

function eachRun(
  elements: number,
  { channels, innerElements }: ChannelLayout,
  visit: (channel: number, start: number, end: number) => void,
): void {
  if (elements > 0 && (innerElements < 1 || elements % (channels * innerElements) !== 0)) {
    throw new ModelBug(`${elements} elements do not divide into ${channels} channels of ${innerElements}`);
  }
  let channel = 0;
  for (let start = 0; start < elements; start += innerElements) {
    visit(channel, start, start + innerElements);
    channel = channel + 1 === channels ? 0 : channel + 1;
  }
}
