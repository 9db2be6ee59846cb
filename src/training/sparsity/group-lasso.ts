import type { Values } from '../../numerics/ops/values.ts';
import type { Weight } from './weight-layout.ts';

/**
 * One proximal step of the group lasso on the output channels of a weight: the norm of each, its bias included, shrinks by
 * amount * sqrt(elements), those shorter than that become exactly zero (Yuan and Lin 2006; for networks Wen et al. 2016, Lym et al.
 * 2019, "PruneTrain"). `amount` is learning rate times strength.
 */
export function shrinkOutputs({ layout, values }: Weight, bias: Values | null, amount: number): void {
  const { outputs, channels, taps, outputStride, channelStride } = layout;
  for (let output = 0; output < outputs; output++) {
    let squares = bias === null ? 0 : bias[output]! ** 2;
    for (let channel = 0; channel < channels; channel++)
      squares += squaresOf(values, output * outputStride + channel * channelStride, taps);
    const factor = shrinking(squares, channels * taps + (bias === null ? 0 : 1), amount);
    for (let channel = 0; channel < channels; channel++)
      multiply(values, output * outputStride + channel * channelStride, taps, factor);
    if (bias !== null) bias[output]! *= factor;
  }
}

/** The same on the input channels of a weight: those that nothing needs become zero in all outputs. */
export function shrinkInputs({ layout, values }: Weight, amount: number): void {
  const { outputs, channels, taps, outputStride, channelStride } = layout;
  for (let channel = 0; channel < channels; channel++) {
    let squares = 0;
    for (let output = 0; output < outputs; output++)
      squares += squaresOf(values, output * outputStride + channel * channelStride, taps);
    const factor = shrinking(squares, outputs * taps, amount);
    for (let output = 0; output < outputs; output++)
      multiply(values, output * outputStride + channel * channelStride, taps, factor);
  }
}

function shrinking(squares: number, size: number, amount: number): number {
  return squares === 0 ? 0 : Math.max(0, 1 - (amount * Math.sqrt(size)) / Math.sqrt(squares));
}

function squaresOf(values: Values, start: number, count: number): number {
  let sum = 0;
  for (let index = start; index < start + count; index++) sum += values[index]! ** 2;
  return sum;
}

function multiply(values: Values, start: number, count: number, factor: number): void {
  // Not by multiplying: -1 * 0 is -0.
  if (factor === 0) values.fill(0, start, start + count);
  else for (let index = start; index < start + count; index++) values[index]! *= factor;
}
