import { InputError } from '../../errors.ts';
import { type AffineGrid, affineGrid, quantizeValue } from '../../numerics/formats/affine.ts';
import { NEAREST_EVEN } from '../../numerics/formats/rounding.ts';
import { type Dyadic, toDyadic } from '../../numerics/integer/dyadic.ts';

/** Trained weights as integers: a row for each result channel, what its sums begin with, and how they leave for the result's grid. */
export interface IntegerChannels {
  readonly rows: Int8Array;
  readonly bias: Int32Array;
  readonly factors: readonly Dyadic[];
}

/** So far may a bias fill the 32 bits of a sum. */
const LARGEST_BIAS = 2 ** 30;

/**
 * Weights symmetric per channel, biases on the scale of their channel's sums (Jacob 2018, section 2.4). A channel of tiny weights with a
 * large bias gets a coarser scale, so that its bias fits. Throws InputError for sums that 32 bits might not hold.
 */
export function integerChannels(
  name: string,
  rows: Float32Array,
  terms: number,
  bias: Float32Array | null,
  input: AffineGrid,
  output: AffineGrid,
): IntegerChannels {
  const bits = input.highest > 7 ? 8 : 4;
  checkSums(name, terms, input, 2 ** (bits - 1) - 1, bias === null ? 0 : LARGEST_BIAS);
  const channels = rows.length / terms;
  const integers = new Int8Array(rows.length);
  const sums = new Int32Array(channels);
  const factors: Dyadic[] = [];
  for (let channel = 0; channel < channels; channel++) {
    const start = channel * terms;
    let largest = (Math.abs(bias?.[channel] ?? 0) / (input.scale * LARGEST_BIAS)) * (2 ** (bits - 1) - 1);
    for (let index = start; index < start + terms; index++) largest = Math.max(largest, Math.abs(rows[index]!));
    const grid = affineGrid(-largest, largest, { bits, symmetric: true });
    for (let index = start; index < start + terms; index++)
      integers[index] = quantizeValue(rows[index]!, grid, NEAREST_EVEN);
    const scale = input.scale * grid.scale;
    sums[channel] = Math.round((bias?.[channel] ?? 0) / scale);
    factors.push(toDyadic(scale / output.scale));
  }
  return { rows: integers, bias: sums, factors };
}

/** Refuses sums of products that might leave 32 bits. */
export function checkSums(name: string, terms: number, input: AffineGrid, otherReach: number, bias: number): void {
  const reach = Math.max(input.highest - input.zeroPoint, input.zeroPoint - input.lowest);
  if (terms * reach * otherReach + bias < 2 ** 31) return;
  throw InputError.of(name, `a sum of ${terms} products of integers`, 'use narrower layers: sums have 32 bits');
}
