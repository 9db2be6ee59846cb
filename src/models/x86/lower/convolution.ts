import type { ConvOp } from '../../../trace/trace.ts';

/** What of a convolution decides how it is computed. */
export type ConvSizes = Omit<ConvOp, 'kind' | 'id' | 'name' | 'inputs' | 'outputs'>;

/** How positions side by side meet a filter's taps along one dimension; what lies beyond the operand is padding. */
export interface Axis {
  readonly positions: number;
  readonly operand: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number;
}

/**
 * A pass of a convolution as kernels see it: vectors run along `lanes` channels, positions along `positions` are kept side by side in
 * registers, and `depth` products are summed for each. Channels and depth are those of one group, rows those of one image.
 */
export interface ConvLoops {
  readonly pass: 'forward' | 'input-gradient' | 'weight-gradient';
  readonly images: number;
  readonly groups: number;
  readonly laneChannels: number;
  /** Products summed for each result: channels x taps; weight gradients: all positions. */
  readonly depth: number;
  /** Results of an image along its columns and rows. */
  readonly columnAxis: Axis;
  readonly rowAxis: Axis;
  /** Elements of what is streamed past the weights, of the weights (weight gradient: the result's gradient) and of the result, in all. */
  readonly operandElements: number;
  readonly weightElements: number;
  readonly resultElements: number;
  /** Taps of a filter. */
  readonly taps: number;
}

/** Forward and input gradient exchange the channels; a transposed convolution exchanges the passes. */
export function convLoops(op: ConvSizes): ConvLoops {
  const pass = op.phase === 'input-gradient' || op.phase === 'weight-gradient' ? op.phase : 'forward';
  const { n, c, h, w, k, r, s, p, q, groups } = op;
  const taps = r * s;
  const [inside, outside] = [c / groups, k / groups];
  // Every product belongs to a position of the smaller map: the result's, or a transposed convolution's operand.
  const axis = (result: number, operand: number, filter: number, dimension: 0 | 1): Axis => ({
    positions: op.transposed ? operand : result,
    operand: op.transposed ? result : operand,
    taps: filter,
    stride: op.stride[dimension],
    dilation: op.dilation[dimension],
    padding: op.padding[dimension],
  });
  const [rowAxis, columnAxis] = [axis(p, h, r, 0), axis(q, w, s, 1)];
  // Strides beyond the filter leave rows and positions of the operand unread; a position is a line of its own.
  const touched = Math.min(1, r / op.stride[0]) * Math.min(1, s / op.stride[1]);
  const operand = n * c * h * w * (pass === 'input-gradient' ? 1 : touched);
  const result = n * k * p * q;
  const weightElements = inside * k * taps;
  const common = { images: n, groups, rowAxis, columnAxis, taps };
  if (pass === 'weight-gradient')
    return {
      ...common,
      pass,
      laneChannels: outside,
      depth: n * rowAxis.positions * columnAxis.positions,
      operandElements: operand,
      weightElements: result,
      resultElements: weightElements,
    };
  const isForward = pass === 'forward';
  return {
    ...common,
    pass,
    laneChannels: isForward ? outside : inside,
    depth: (isForward ? inside : outside) * taps,
    operandElements: isForward ? operand : result,
    weightElements,
    resultElements: isForward ? result : operand,
  };
}

/** Of `count` positions from `first` on, those that meet an element, not padding, at a tap. */
export function metAt({ operand, stride, dilation, padding }: Axis, tap: number, first: number, count: number): number {
  const offset = tap * dilation - padding;
  const from = Math.max(first, Math.ceil(-offset / stride));
  const to = Math.min(first + count, Math.floor((operand - 1 - offset) / stride) + 1);
  return Math.max(0, to - from);
}

/** Share of the pairs of positions and taps that meet an element. */
export function metShare(axis: Axis): number {
  let met = 0;
  for (let tap = 0; tap < axis.taps; tap += 1) met += metAt(axis, tap, 0, axis.positions);
  return met / (axis.positions * axis.taps);
}
