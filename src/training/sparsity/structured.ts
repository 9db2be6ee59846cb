import { InputError } from '../../errors.ts';
import type { Mask } from './mask.ts';
import { highest, type Selection, type Valued } from './selection.ts';
import { sizeOf, type WeightLayout } from './weight-layout.ts';

/**
 * Whole output channels of each weight, by the sum of what their elements are worth: with magnitudes the L1 norm (Li et al. 2017,
 * "Pruning filters for efficient ConvNets"). One at least stays. Leave out weights whose outputs are a network's results.
 */
export const outputChannels: Selection = (valued, keep) =>
  byGroups(valued, keep, ({ outputs }) => outputs, outputGroup);

/** Whole kernels, the taps that join one input channel to one output (Mao et al. 2017), by the sum of what they are worth. */
export const kernels: Selection = (valued, keep) =>
  byGroups(
    valued,
    keep,
    ({ outputs, channels }) => outputs * channels,
    ({ channels }, output, channel) => output * channels + channel,
  );

/**
 * At most n of every m neighbours along the input channels, as sparse tensor cores want them (2 of 4; Mishra et al. 2021,
 * "Accelerating sparse deep neural networks"); fewer than m at the end are a group too. The share asked for does not matter.
 */
export function ofNeighbours(n: number, m: number): Selection {
  if (!(Number.isInteger(n) && Number.isInteger(m) && n >= 1 && n <= m))
    throw InputError.of('N:M', `${n}:${m}`, 'use whole numbers with 1 <= N <= M');
  return (valued) => new Map(valued.map((weight) => [weight.layout.name, neighbourMask(weight, n, m)]));
}

const outputGroup = (_layout: WeightLayout, output: number): number => output;

function byGroups(
  valued: readonly Valued[],
  keep: number,
  countOf: (layout: WeightLayout) => number,
  groupOf: (layout: WeightLayout, output: number, channel: number) => number,
): Map<string, Mask> {
  return new Map(
    valued.map(({ layout, values }) => {
      const sums = new Float64Array(countOf(layout));
      visit(layout, (index, output, channel) => {
        sums[groupOf(layout, output, channel)]! += values[index]!;
      });
      const stays = highest(sums, Math.max(1, Math.round(keep * sums.length)));
      const mask = new Uint8Array(sizeOf(layout));
      visit(layout, (index, output, channel) => {
        mask[index] = stays[groupOf(layout, output, channel)]!;
      });
      return [layout.name, mask];
    }),
  );
}

function neighbourMask({ layout, values }: Valued, n: number, m: number): Mask {
  const { outputs, channels, taps, outputStride, channelStride } = layout;
  const mask = new Uint8Array(values.length);
  for (let output = 0; output < outputs; output++)
    for (let tap = 0; tap < taps; tap++)
      for (let first = 0; first < channels; first += m) {
        const start = output * outputStride + first * channelStride + tap;
        const group = Float64Array.from(
          { length: Math.min(m, channels - first) },
          (_, member) => values[start + member * channelStride]!,
        );
        highest(group, Math.min(n, group.length)).forEach((stays, member) => {
          mask[start + member * channelStride] = stays;
        });
      }
  return mask;
}

/** Every element of a weight: its index, output and input channel. */
function visit(layout: WeightLayout, each: (index: number, output: number, channel: number) => void): void {
  const { outputs, channels, taps, outputStride, channelStride } = layout;
  for (let output = 0; output < outputs; output++)
    for (let channel = 0; channel < channels; channel++)
      for (let tap = 0; tap < taps; tap++) each(output * outputStride + channel * channelStride + tap, output, channel);
}
