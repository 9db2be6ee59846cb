import { type ConvPlan, type ConvTensors, forEachCollected, forEachSpread } from './conv-plan.ts';
import { RIGHT_OPERAND } from './load.ts';

/**
 * Convolution as matrix products, sample by sample and group by group. The matrix of im2col is gathered while it is packed, by two
 * tables of offsets; only the input gradient writes it out.
 */

/** output[channels, pixels] = weights[channels, taps] columns[taps, pixels]. */
export function matrixForward(plan: ConvPlan, { input, weights, output }: ConvTensors): void {
  const { module, shape, outputChannels, pixelCount, tapCount, taps, pixels, scratch } = plan;
  const packed = packWeights(plan, weights, false);
  forEachSpread(plan, input, (planes, sample) => {
    for (let group = 0; group < shape.groups; group++) {
      module.multiply(
        outputChannels,
        pixelCount,
        tapCount,
        packed.address + group * packed.stride,
        RIGHT_OPERAND.pixels,
        planes + group * plan.planesStride,
        taps,
        pixels,
        output + (sample * shape.groups + group) * plan.outputStride,
        4 * pixelCount,
        0,
        scratch,
      );
    }
  });
}

/** columns[taps, pixels] = weights^T output gradient, added to the places they were gathered from. */
export function matrixInputGradient(plan: ConvPlan, { input, weights, output }: ConvTensors): void {
  const { module, workspace, shape, layout, outputChannels, pixelCount, tapCount, taps, scratch } = plan;
  const packed = packWeights(plan, weights, true);
  const spare = isPointwise(plan) ? 0 : workspace.reserve('columns', tapCount * pixelCount).byteOffset;
  forEachCollected(plan, input, (planes, sample) => {
    for (let group = 0; group < shape.groups; group++) {
      const target = planes + group * plan.planesStride;
      const columns = isPointwise(plan) ? target : spare;
      module.multiply(
        tapCount,
        pixelCount,
        outputChannels,
        packed.address + group * packed.stride,
        RIGHT_OPERAND.across,
        output + (sample * shape.groups + group) * plan.outputStride,
        4 * pixelCount,
        0,
        columns,
        4 * pixelCount,
        0,
        scratch,
      );
      if (!isPointwise(plan)) {
        module.scatterAdd(columns, taps, tapCount, shape.p, shape.q, target, layout.pixelRowStride);
      }
    }
  });
}

/** Filters of one tap that meet every pixel once: the columns are the image. */
function isPointwise({ shape: { h, w, r, s, p, q }, layout }: ConvPlan): boolean {
  return layout.isDirect && r === 1 && s === 1 && p === h && q === w;
}

/** weight gradient[channels, taps] = output gradient columns^T, summed over samples. */
export function matrixWeightGradient(plan: ConvPlan, { input, weights, output }: ConvTensors): void {
  const { module, workspace, shape, outputChannels, pixelCount, tapCount, taps, pixels, scratch } = plan;
  const packed = workspace.reserve('left', paddedRows(outputChannels) * pixelCount).byteOffset;
  forEachSpread(plan, input, (planes, sample) => {
    for (let group = 0; group < shape.groups; group++) {
      const gradient = output + (sample * shape.groups + group) * plan.outputStride;
      module.packLeft(gradient, 4 * pixelCount, 1, outputChannels, pixelCount, packed);
      module.multiply(
        outputChannels,
        tapCount,
        pixelCount,
        packed,
        RIGHT_OPERAND.taps,
        planes + group * plan.planesStride,
        taps,
        pixels,
        weights + group * plan.weightsStride,
        4 * tapCount,
        sample > 0 ? 1 : 0,
        scratch,
      );
    }
  });
}

/** The weights of all groups as packed left operands, [channels, taps] or transposed; the stride is in bytes. */
function packWeights(
  { module, workspace, shape, outputChannels, tapCount, weightsStride }: ConvPlan,
  weights: number,
  transposed: boolean,
): { readonly address: number; readonly stride: number } {
  const [m, k] = transposed ? [tapCount, outputChannels] : [outputChannels, tapCount];
  const stride = 4 * paddedRows(m) * k;
  const address = workspace.reserve('left', (shape.groups * stride) / 4).byteOffset;
  for (let group = 0; group < shape.groups; group++) {
    const source = weights + group * weightsStride;
    module.packLeft(source, 4 * tapCount, transposed ? 0 : 1, m, k, address + group * stride);
  }
  return { address, stride };
}

/** Packed left operands have whole tiles of 4 rows. */
function paddedRows(rows: number): number {
  return Math.ceil(rows / 4) * 4;
}
