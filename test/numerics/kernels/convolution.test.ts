import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ConvShape, convLengths } from '../../../src/numerics/kernels/conv-shape.ts';
import { forEachProduct, kernels, random, releaseAll, SEED, Sums } from './support.ts';

interface Case {
  readonly n: number;
  readonly groups: number;
  /** Per group: input and output channels. */
  readonly channels: readonly [number, number];
  readonly image: readonly [number, number];
  readonly filter: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
}

/** Ones are common: they are where kernels take short cuts. */
function upTo(max: number): fc.Arbitrary<number> {
  return fc.oneof(fc.constant(1), fc.integer({ min: 1, max }));
}

const pair = (max: number) => fc.tuple(upTo(max), upTo(max));
const padding = fc.oneof(fc.constant([0, 0, 0, 0] as const), fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)));
const ANY: fc.Arbitrary<Case> = fc.record({
  n: upTo(3),
  groups: upTo(4),
  channels: pair(11),
  image: pair(21),
  filter: pair(5),
  stride: pair(3),
  padding,
  dilation: pair(3),
});
const DEPTHWISE: fc.Arbitrary<Case> = fc
  .record({ multiplier: upTo(4), shape: ANY, groups: upTo(9), image: pair(40) })
  .map(({ multiplier, shape, groups, image }) => ({ ...shape, groups, image, channels: [1, multiplier] }));

/** The convolution of a case, its output as large as fits; null if the filter is larger than the padded image. */
function shapeOf({ n, groups, channels, image, filter, stride, padding, dilation }: Case): ConvShape | null {
  const extent = (axis: 0 | 1) =>
    image[axis] + padding[axis] + padding[axis + 2]! - dilation[axis] * (filter[axis] - 1);
  const count = (axis: 0 | 1) => Math.floor((extent(axis) - 1) / stride[axis]) + 1;
  if (extent(0) < 1 || extent(1) < 1) return null;
  const [h, w] = image;
  const [r, s] = filter;
  const sizes = { n, c: channels[0] * groups, h, w, k: channels[1] * groups, r, s, p: count(0), q: count(1) };
  return { ...sizes, stride, padding, dilation, groups };
}

/** All three passes against the sum over all products. */
function check(shape: ConvShape): void {
  const lengths = convLengths(shape);
  const [input, weights, output] = [
    random(lengths.input, SEED),
    random(lengths.weights, SEED + 1),
    random(lengths.output, SEED + 2),
  ];
  const forward = new Sums(lengths.output);
  const inputGradient = new Sums(lengths.input);
  const weightGradient = new Sums(lengths.weights);
  forEachProduct(shape, (from, by, to) => {
    forward.add(to, input[from]! * weights[by]!);
    inputGradient.add(from, output[to]! * weights[by]!);
    weightGradient.add(by, output[to]! * input[from]!);
  });
  const results = [random(lengths.output, 1), random(lengths.input, 2), random(lengths.weights, 3)] as const;
  kernels.convForward(shape, input, weights, results[0]);
  kernels.convInputGradient(shape, output, weights, results[1]);
  kernels.convWeightGradient(shape, input, output, results[2]);
  forward.expectClose(results[0], 'forward');
  inputGradient.expectClose(results[1], 'input gradient');
  weightGradient.expectClose(results[2], 'weight gradient');
  releaseAll(input, weights, output, ...results);
}

function checkCase(drawn: Case): void {
  const shape = shapeOf(drawn);
  fc.pre(shape !== null);
  check(shape!);
}

const PLAIN = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const;
const SMALL: ConvShape = { n: 1, c: 2, h: 4, w: 4, k: 2, r: 3, s: 3, p: 2, q: 2, ...PLAIN };

describe('convolution', () => {
  it(`equals the sum of its products within the rounding of single precision (seed ${SEED})`, () => {
    fc.assert(fc.property(ANY, checkCase), { seed: SEED, numRuns: 400 });
  });

  it(`depthwise likewise (seed ${SEED})`, () => {
    fc.assert(fc.property(DEPTHWISE, checkCase), { seed: SEED, numRuns: 300 });
  });

  it.each<[string, ConvShape]>([
    ["LeNet-5's second layer", { n: 2, c: 20, h: 12, w: 12, k: 50, r: 5, s: 5, p: 8, q: 8, ...PLAIN }],
    ['more taps and pixels than a block', { n: 1, c: 31, h: 25, w: 26, k: 5, r: 3, s: 3, p: 23, q: 24, ...PLAIN }],
    ['1x1', { n: 3, c: 37, h: 7, w: 5, k: 19, r: 1, s: 1, p: 7, q: 5, ...PLAIN }],
    ['an output smaller than fits', { n: 2, c: 3, h: 9, w: 9, k: 5, r: 1, s: 1, p: 4, q: 5, ...PLAIN }],
  ])('%s', (_, shape) => check(shape));

  it('refuses shapes that do not fit and arrays from elsewhere', () => {
    const [input, weights, output] = [random(32, 1), random(36, 2), random(8, 3)];
    const run = (change: Partial<ConvShape>) => () =>
      kernels.convForward({ ...SMALL, ...change }, input, weights, output);
    expect(run({ p: 3 })).toThrow('the kernels cannot run a convolution');
    expect(run({ groups: 3 })).toThrow('the kernels cannot run a convolution');
    expect(run({ padding: [-1, 0, 0, 0] })).toThrow('the kernels cannot run a convolution');
    expect(run({ transposed: true })).toThrow('the kernels cannot run a convolution');
    expect(run({ n: 2 })).toThrow('the input of a convolution has 32 elements, its shape says 64');
    expect(() => kernels.convForward(SMALL, input, weights, new Float32Array(8))).toThrow('lies outside');
    releaseAll(input, weights, output);
  });
});
