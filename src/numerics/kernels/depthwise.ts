import { type ConvPlan, type ConvTensors, forEachCollected, forEachSpread } from './conv-plan.ts';

/** Convolutions whose groups have one input channel and few output channels, filter by filter without matrices. */

/** From so many output channels per input channel on, a matrix product is the faster way. */
const MATRIX_CHANNELS = 4;

export function isDepthwise({ inputChannels, outputChannels }: ConvPlan): boolean {
  return inputChannels === 1 && outputChannels < MATRIX_CHANNELS;
}

export function depthwiseForward(plan: ConvPlan, { input, weights, output }: ConvTensors): void {
  forEachSpread(plan, input, (planes, sample) =>
    forEachFilter(plan, planes, output, weights, sample, (plane, pixels, filter) => {
      const { module, shape, layout, taps, tapCount } = plan;
      module.planeForward(plane, taps, tapCount, filter, shape.p, shape.q, layout.pixelRowStride, pixels);
    }),
  );
}

export function depthwiseInputGradient(plan: ConvPlan, { input, weights, output }: ConvTensors): void {
  forEachCollected(plan, input, (planes, sample) =>
    forEachFilter(plan, planes, output, weights, sample, (plane, pixels, filter) => {
      const { module, shape, layout, taps, tapCount } = plan;
      module.planeInputGradient(pixels, taps, tapCount, filter, shape.p, shape.q, layout.pixelRowStride, plane);
    }),
  );
}

export function depthwiseWeightGradient(plan: ConvPlan, { input, weights, output }: ConvTensors): void {
  plan.workspace.heap.view(weights, plan.shape.k * plan.tapCount).fill(0);
  forEachSpread(plan, input, (planes, sample) =>
    forEachFilter(plan, planes, output, weights, sample, (plane, pixels, filter) => {
      const { module, shape, layout, taps, tapCount } = plan;
      module.planeWeightGradient(plane, taps, tapCount, pixels, shape.p, shape.q, layout.pixelRowStride, filter);
    }),
  );
}

/** The addresses of the plane, output pixels and filter of every output channel of a sample. */
function forEachFilter(
  { shape, outputChannels, planesStride, pixelCount, tapCount }: ConvPlan,
  planes: number,
  output: number,
  weights: number,
  sample: number,
  visit: (plane: number, pixels: number, filter: number) => void,
): void {
  for (let channel = 0; channel < shape.k; channel++) {
    visit(
      planes + Math.floor(channel / outputChannels) * planesStride,
      output + 4 * (sample * shape.k + channel) * pixelCount,
      weights + 4 * channel * tapCount,
    );
  }
}
