import type { Values } from './values.ts';

/** Constants of Krizhevsky 2012: sum over 5 neighbouring channels, (2 + 1e-4 sum of squares)^0.75. */
const REACH = 2;
const BASE = 2;
const ALPHA = 1e-4;
const POWER = 0.75;

/** A feature map [samples, channels, positions]. */
export interface MapSizes {
  readonly samples: number;
  readonly channels: number;
  readonly positions: number;
}

/** Local response normalisation: each element over a power of the squares of its neighbouring channels. */
export function localResponse(sizes: MapSizes, operand: Values, result: Values): void {
  forEachElement(sizes, (at, start, channel) => {
    result[at] = operand[at]! * divisor(sizes, operand, start, channel) ** -POWER;
  });
}

/** Gradient of the operand: its own share, and what it does to its neighbours' divisors. */
export function localResponseGradient(sizes: MapSizes, gradient: Values, operand: Values, result: Values): void {
  const { channels, positions } = sizes;
  forEachElement(sizes, (at, start, channel) => {
    let others = 0;
    for (let other = Math.max(0, channel - REACH); other <= Math.min(channels - 1, channel + REACH); other++) {
      const there = start + other * positions;
      others += gradient[there]! * operand[there]! * divisor(sizes, operand, start, other) ** (-POWER - 1);
    }
    const own = gradient[at]! * divisor(sizes, operand, start, channel) ** -POWER;
    result[at] = own - 2 * ALPHA * POWER * operand[at]! * others;
  });
}

/** What the channel at a place is divided by, before the power; `start` is the place in channel 0. */
function divisor({ channels, positions }: MapSizes, operand: Values, start: number, channel: number): number {
  let squares = 0;
  for (let other = Math.max(0, channel - REACH); other <= Math.min(channels - 1, channel + REACH); other++)
    squares += operand[start + other * positions]! ** 2;
  return BASE + ALPHA * squares;
}

function forEachElement(sizes: MapSizes, visit: (at: number, start: number, channel: number) => void): void {
  const { samples, channels, positions } = sizes;
  for (let sample = 0; sample < samples; sample++)
    for (let position = 0; position < positions; position++) {
      const start = sample * channels * positions + position;
      for (let channel = 0; channel < channels; channel++) visit(start + channel * positions, start, channel);
    }
}
