import { type ConvShape, type Layout, layoutOf, pixelOffsets, tapOffsets } from './conv-shape.ts';
import type { KernelModule } from './load.ts';
import type { Workspace } from './workspace.ts';

/** The three tensors of a convolution, or the gradients that stand in their place: addresses in the memory. */
export interface ConvTensors {
  readonly input: number;
  readonly weights: number;
  readonly output: number;
}

/** What all passes of a convolution derive from its shape. Strides are in bytes; addresses hold until the next plan is made. */
export interface ConvPlan {
  readonly module: KernelModule;
  readonly workspace: Workspace;
  readonly shape: ConvShape;
  readonly layout: Layout;
  /** Of one group: input channels, output channels, taps of a filter. */
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly tapCount: number;
  readonly pixelCount: number;
  /** Tables of offsets (wasm/gather.ts) over the planes of one group. */
  readonly taps: number;
  readonly pixels: number;
  readonly scratch: number;
  /** One sample of the input; one group of a sample's planes and output; one group of the weights. */
  readonly imageStride: number;
  readonly planesStride: number;
  readonly outputStride: number;
  readonly weightsStride: number;
}

export function planConvolution(module: KernelModule, workspace: Workspace, shape: ConvShape): ConvPlan {
  const { c, h, w, k, p, q, groups } = shape;
  const layout = layoutOf(shape);
  const inputChannels = c / groups;
  const outputChannels = k / groups;
  const taps = tapOffsets(shape, layout, inputChannels);
  return {
    module,
    workspace,
    shape,
    layout,
    inputChannels,
    outputChannels,
    tapCount: taps.length,
    pixelCount: p * q,
    taps: workspace.table('taps', taps),
    pixels: workspace.table('pixels', pixelOffsets(shape, layout)),
    scratch: workspace.reserve('scratch', module.scratchBytes() / 4).byteOffset,
    imageStride: 4 * c * h * w,
    planesStride: inputChannels * layout.planeStride,
    outputStride: 4 * outputChannels * p * q,
    weightsStride: 4 * outputChannels * taps.length,
  };
}

/** Calls `visit` with the address of each sample's spread planes, all channels: the image itself where it can serve. */
export function forEachSpread(plan: ConvPlan, input: number, visit: (planes: number, sample: number) => void): void {
  const { module, shape, layout, workspace } = plan;
  const { n, c, h, w, stride, padding } = shape;
  const { isDirect, planeStride, rowStride, partStride } = layout;
  // The padding stays zero from sample to sample.
  const spare = isDirect ? 0 : workspace.zeros('planes', (c * planeStride) / 4);
  for (let sample = 0; sample < n; sample++) {
    const image = input + sample * plan.imageStride;
    if (!isDirect) {
      module.spread(image, c, h, w, spare, planeStride, rowStride, partStride, stride[1], padding[0], padding[1]);
    }
    visit(isDirect ? image : spare, sample);
  }
}

/** Calls `visit` with the address of zeroed planes for each sample, then takes what was added to them as the sample's image. */
export function forEachCollected(plan: ConvPlan, input: number, visit: (planes: number, sample: number) => void): void {
  const { module, shape, layout, workspace } = plan;
  const { n, c, h, w, stride, padding } = shape;
  const { isDirect, planeStride, rowStride, partStride } = layout;
  for (let sample = 0; sample < n; sample++) {
    const image = input + sample * plan.imageStride;
    if (isDirect) workspace.heap.view(image, c * h * w).fill(0);
    const planes = isDirect ? image : workspace.zeros('planes', (c * planeStride) / 4);
    visit(planes, sample);
    if (!isDirect) {
      module.collect(planes, c, h, w, image, planeStride, rowStride, partStride, stride[1], padding[0], padding[1]);
    }
  }
}
