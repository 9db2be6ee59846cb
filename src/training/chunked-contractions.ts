import { type Accumulator, createDot, type DotInChunks, type Line, lineOf } from '../numerics/formats/accumulate.ts';
import type { Contractions, ConvSizes, Matrix } from '../numerics/ops/contraction.ts';
import type { Values } from '../numerics/ops/values.ts';
import { PLAIN_PASSES } from '../numerics/ops/whole.ts';

/**
 * Products and convolutions whose sums are kept in a narrow accumulator, in chunks: every addition is rounded once, forward and backward.
 * Terms of a sum follow each other as k of a product; channels and taps of a convolution; filters and taps of its input gradient;
 * samples and positions of its weight gradient. What lies in the padding is no term. About 20 ns a MAC: for small networks.
 */
export function chunkedContractions(accumulator: Accumulator): Contractions {
  const dot = createDot(accumulator);
  const allocate = (length: number): Float32Array => new Float32Array(length);
  return {
    ...PLAIN_PASSES,
    allocate,
    gemm(m, n, k, left, right, result, beta) {
      const [a, b, into] = [narrow(left.values), narrow(right.values), narrow(result.values)];
      const columns = Array.from({ length: n }, (_, column) => columnOf(b, right, column));
      for (let row = 0; row < m; row++) {
        const line = rowOf(a, left, row);
        const start = result.offset + row * result.leadingDimension;
        for (let column = 0; column < n; column++)
          into[start + column] = (beta === 1 ? into[start + column]! : 0) + dot(line, columns[column]!, k);
      }
    },
    convForward(sizes, operand, weights, result) {
      const { n, k, r, s, p, q } = sizes;
      const channels = sizes.c / sizes.groups;
      const terms = new Terms(dot, operand, weights, channels * r * s);
      for (let at = 0; at < n * k * p * q; at++) {
        const [sample, filter, y, x] = axes(at, k, p, q);
        for (let channel = 0; channel < channels; channel++)
          for (let tap = 0; tap < r * s; tap++)
            terms.add(
              operandAt(sizes, sample, firstChannel(sizes, filter) + channel, y, x, tap),
              (filter * channels + channel) * r * s + tap,
            );
        result[at] = terms.sum();
      }
    },
    convInputGradient(sizes, gradient, weights, result) {
      const { k, r, s, p, q, groups } = sizes;
      const [channels, filters] = [sizes.c / groups, k / groups];
      const reached = new Map<number, number[]>();
      // Output positions by the input position that each tap meets there.
      for (let at = 0; at < p * q * r * s; at++) {
        const [, y, x, tap] = axes(at, p, q, r * s);
        const place = operandAt(sizes, 0, 0, y, x, tap);
        if (place >= 0) reached.set(place, [...(reached.get(place) ?? []), at]);
      }
      const plane = sizes.h * sizes.w;
      const mostReached = Math.max(0, ...[...reached.values()].map(({ length }) => length));
      const terms = new Terms(dot, gradient, weights, filters * mostReached);
      for (let at = 0; at < result.length; at++) {
        const [, sample, channel, place] = axes(at, sizes.n, sizes.c, plane);
        const group = Math.floor(channel / channels);
        for (let filter = group * filters; filter < (group + 1) * filters; filter++)
          for (const position of reached.get(place) ?? []) {
            const [, , output, tap] = axes(position, 1, p * q, r * s);
            terms.add((sample * k + filter) * p * q + output, (filter * channels + (channel % channels)) * r * s + tap);
          }
        result[at] = terms.sum();
      }
    },
    convWeightGradient(sizes, operand, gradient, result) {
      const { n, k, r, s, p, q } = sizes;
      const channels = sizes.c / sizes.groups;
      const terms = new Terms(dot, operand, gradient, n * p * q);
      for (let at = 0; at < result.length; at++) {
        const [, filter, channel, tap] = axes(at, k, channels, r * s);
        for (let sample = 0; sample < n; sample++)
          for (let output = 0; output < p * q; output++)
            terms.add(
              operandAt(sizes, sample, firstChannel(sizes, filter) + channel, Math.floor(output / q), output % q, tap),
              (sample * k + filter) * p * q + output,
            );
        result[at] = terms.sum();
      }
    },
  };
}

/** The pairs of one sum, gathered and then added up. */
class Terms {
  private readonly left: Line;
  private readonly right: Line;
  private count = 0;

  constructor(
    private readonly dot: DotInChunks,
    private readonly leftValues: Values,
    private readonly rightValues: Values,
    most: number,
  ) {
    this.left = lineOf(new Float32Array(most));
    this.right = lineOf(new Float32Array(most));
  }

  /** Adds the product of two elements; none where the left one lies in the padding. */
  add(left: number, right: number): void {
    if (left < 0) return;
    this.left.values[this.count] = this.leftValues[left]!;
    this.right.values[this.count++] = this.rightValues[right]!;
  }

  sum(): number {
    const sum = this.dot(this.left, this.right, this.count);
    this.count = 0;
    return sum;
  }
}

const narrow = (values: Values): Float32Array => values as Float32Array;

function rowOf(values: Float32Array, { offset, leadingDimension, transposed }: Matrix, row: number): Line {
  return transposed
    ? { values, offset: offset + row, stride: leadingDimension }
    : { values, offset: offset + row * leadingDimension, stride: 1 };
}

function columnOf(values: Float32Array, matrix: Matrix, column: number): Line {
  return rowOf(values, { ...matrix, transposed: !matrix.transposed }, column);
}

/** Coordinates of an element in [.., a, b, c]. */
function axes(at: number, a: number, b: number, c: number): [number, number, number, number] {
  const rest = Math.floor(at / c);
  return [Math.floor(rest / (a * b)), Math.floor(rest / b) % a, rest % b, at % c];
}

function firstChannel({ c, k, groups }: ConvSizes, filter: number): number {
  return Math.floor(filter / (k / groups)) * (c / groups);
}

/** Element of the operand that a tap meets at an output position; -1 in the padding. */
function operandAt(
  { c, h, w, s, stride, padding, dilation }: ConvSizes,
  sample: number,
  channel: number,
  y: number,
  x: number,
  tap: number,
): number {
  const row = y * stride[0] - padding[0] + Math.floor(tap / s) * dilation[0];
  const column = x * stride[1] - padding[1] + (tap % s) * dilation[1];
  const inside = row >= 0 && row < h && column >= 0 && column < w;
  return inside ? ((sample * c + channel) * h + row) * w + column : -1;
}
