import type { ConvOp } from '../../../trace/trace.ts';

/**
 * A pass of a convolution as kernels see it: vectors run along `lanes` channels, positions along `positions` are kept side by side in
 * registers, and `depth` products are summed for each. Channels and depth are those of one group, rows those of one image.
 */
export interface ConvLoops {
  readonly pass: 'forward' | 'input-gradient' | 'weight-gradient';
  readonly images: number;
  readonly groups: number;
  readonly laneChannels: number;
  readonly depth: number;
  /** Rows of results of an image, and results in a row. */
  readonly rows: number;
  readonly rowPositions: number;
  /** Elements of what is streamed past the weights, of the weights (weight gradient: the result's gradient) and of the result, in all. */
  readonly operandElements: number;
  readonly weightElements: number;
  readonly resultElements: number;
  /** Taps of a filter, and of one of its rows. */
  readonly taps: number;
  readonly rowTaps: number;
}

/** Forward and input gradient exchange the channels; a transposed convolution exchanges the passes. */
export function convLoops(op: ConvOp): ConvLoops {
  const pass = op.phase === 'input-gradient' || op.phase === 'weight-gradient' ? op.phase : 'forward';
  const { n, c, h, w, k, r, s, p, q, groups } = op;
  const taps = r * s;
  const [inside, outside] = [c / groups, k / groups];
  // Every product belongs to a position of the smaller map: the result's, or a transposed convolution's operand.
  const [rows, rowPositions] = op.transposed ? [h, w] : [p, q];
  // Strides beyond the filter leave rows and positions of the operand unread; a position is a line of its own.
  const touched = Math.min(1, r / op.stride[0]) * Math.min(1, s / op.stride[1]);
  const operand = n * c * h * w * (pass === 'input-gradient' ? 1 : touched);
  const result = n * k * p * q;
  const weightElements = inside * k * taps;
  const common = { images: n, groups, rows, rowPositions, taps, rowTaps: s };
  if (pass === 'weight-gradient')
    return {
      ...common,
      pass,
      laneChannels: outside,
      depth: n * rows * rowPositions,
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
