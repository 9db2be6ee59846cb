import { describe, expect, it } from 'vitest';
import { TENSOR_CORES, tensorCoreDot } from '../../../src/numerics/formats/tensor-core.ts';

const { volta, turing, ampere, ada, hopper } = TENSOR_CORES;
const FP16_CORES = [
  ['volta', volta.fp16],
  ['turing', turing.fp16],
  ['ampere', ampere.fp16],
  ['ada', ada.fp16],
] as const;
const ONES = [1, 1, 1, 1];

/** Probes in the manner of Fasi et al. 2021; each expectation is worked out beside it from what that paper reports. */
describe.each(FP16_CORES)('%s tensor core', (_, core) => {
  const dot = (left: number[], right: number[], addend: number) => tensorCoreDot(core, left, right, addend, 'fp32');

  it('multiplies exactly: (1 - 2^-11)^2 needs 22 bits', () => {
    expect(dot([1 - 2 ** -11], [1 - 2 ** -11], 0)).toBe(1 - 2 ** -10 + 2 ** -22);
  });

  it('takes subnormal operands and returns subnormal results in full', () => {
    expect(dot([2 ** -24], [2 ** -24], 0)).toBe(2 ** -48);
    expect(dot([0], [0], 2 ** -149)).toBe(2 ** -149);
    expect(tensorCoreDot(core, [2 ** -14], [2 ** -10], 0, 'fp16')).toBe(2 ** -24);
  });

  it('loses small products beside a large one wherever it stands', () => {
    // Each is 2^-25, half of what a sum of exponent 0 could show with one more bit; in exact arithmetic four make 2^-23.
    for (let large = 0; large < 4; large++) {
      const right = [2 ** -24, 2 ** -24, 2 ** -24, 2 ** -24].map((small, index) => (index === large ? 2 : small));
      expect(dot([0.5, 0.5, 0.5, 0.5], right, 2 ** -25)).toBe(1);
    }
    expect(dot([0.5, 0.5, 0.5, 0.5], new Array(4).fill(2 ** -24), 1)).toBe(1);
  });

  it('cuts fp32 results off toward zero', () => {
    // 2 + 1.5 x 2^-23: the neighbours are 2 and 2 + 2^-22, the nearer one is the latter.
    expect(dot(ONES, [2, 2 ** -23 + 2 ** -24, 0, 0], 0)).toBe(2);
    expect(dot(ONES, [-2, -(2 ** -23) - 2 ** -24, 0, 0], 0)).toBe(-2);
  });

  it('rounds fp16 results to nearest', () => {
    // 0.75 x 2^-24 is nearer to the smallest fp16 number than to zero.
    expect(tensorCoreDot(core, [2 ** -24, 2 ** -24], [0.5, 0.25], 0, 'fp16')).toBe(2 ** -24);
  });

  it('has room for the carries of five terms', () => {
    // 4 ones and 1 + 3 x 2^-23 make 5 + 3 x 2^-23; fp32 steps are 2^-21 there.
    expect(dot(ONES, ONES, 1 + 3 * 2 ** -23)).toBe(5);
    expect(dot(ONES, [-1, -1, -1, -1], -1 - 3 * 2 ** -23)).toBe(-5);
    // 1 + 1 + 1 + 2^-23 + (1 + 3 x 2^-23) = 4 + 4 x 2^-23.
    expect(dot(ONES, [1, 1, 1, 2 ** -23], 1 + 3 * 2 ** -23)).toBe(4 + 2 ** -21);
    expect(dot(ONES, [1, 1.5, 1.75, 1.875], 1.875)).toBe(8);
  });

  it('is not monotonic: a larger addend can shift more out', () => {
    // Beside 1 - 2^-24, whose exponent is -1, all products count and carry the sum to 1 + 2^-23 or more. Beside 1, Volta loses four
    // times 2^-24; the others lose three times 2^-25 and half of the fourth product, and cut the 2^-24 left off at the end.
    const last = core.alignmentBits === 0 ? 2 ** -23 : 2 ** -23 + 2 ** -24;
    const others = core.alignmentBits === 0 ? 2 ** -23 : 2 ** -24;
    const products = (addend: number) => dot([0.5, 0.5, 0.5, 0.5], [others, others, others, last], addend);
    expect(products(1)).toBe(1);
    expect(products(1 - 2 ** -24)).toBe(1 + 2 ** -23);
  });

  it('passes infinities and NaN on', () => {
    expect(dot(ONES, [Number.POSITIVE_INFINITY, 1, 1, 1], 0)).toBe(Number.POSITIVE_INFINITY);
    expect(dot([Number.POSITIVE_INFINITY], [0], 1)).toBeNaN();
  });
});

describe('what tells the generations apart', () => {
  const below = 1 - 2 ** -24;

  it('Turing and Ampere keep one bit below the last one when they align, Volta none', () => {
    // 1 - (1 - 2^-24): the addend has exponent -1, its last bit falls below 2^-23 and is cut off on Volta: 1 - (1 - 2^-23).
    const probe = (core: Parameters<typeof tensorCoreDot>[0]) => tensorCoreDot(core, [1], [1], -below, 'fp32');
    expect(probe(volta.fp16)).toBe(2 ** -23);
    expect(probe(turing.fp16)).toBe(2 ** -24);
    expect(probe(ampere.fp16)).toBe(2 ** -24);
  });

  it('Ampere adds eight fp16 products at once, Volta and Turing four after four', () => {
    // Four times 2^-24 beside 1 in the same block are kept with one more bit; alone they make 2^-22 before 1 comes.
    const left = new Array<number>(8).fill(1);
    const right = [2 ** -25, 2 ** -25, 2 ** -25, 2 ** -25, 1, 0, 0, 0].map((value) => value * 2 ** 10);
    const probe = (core: Parameters<typeof tensorCoreDot>[0]) => tensorCoreDot(core, left, right, 0, 'fp32');
    // In units of 2^10: blocks of four give 4 x 2^-25 = 2^-23, and 1 + 2^-23 is an fp32 number.
    expect(probe(volta.fp16)).toBe(2 ** 10 * (1 + 2 ** -23));
    expect(probe(turing.fp16)).toBe(2 ** 10 * (1 + 2 ** -23));
    // Beside 1, each 2^-25 is below the last place of 2^-24.
    expect(probe(ampere.fp16)).toBe(2 ** 10);
  });

  it('Hopper adds sixteen at once and keeps two bits, so that sums depend on where a block ends', () => {
    const left = new Array<number>(16).fill(1);
    // 1, and then eight products of 2^-25 in the places 8 to 15: beside 1 each of them counts, 2^-22 in all; fp32 steps are 2^-23.
    const small = [1, ...new Array<number>(7).fill(0), ...new Array<number>(8).fill(2 ** -25)].map((x) => x * 2 ** 10);
    expect(tensorCoreDot(hopper.fp16, left, small, 0, 'fp32')).toBe(2 ** 10 * (1 + 2 ** -22));
    // The second block of eight has the sum of the first as its addend; one more bit is not enough for 2^-25.
    expect(tensorCoreDot(ampere.fp16, left, small, 0, 'fp32')).toBe(2 ** 10);
    // 2^-26 is too small for Hopper too.
    const smaller = small.map((x, index) => (index < 8 ? x : x / 2));
    expect(tensorCoreDot(hopper.fp16, left, smaller, 0, 'fp32')).toBe(2 ** 10);
    // Nine products of 1, of which sixteen are a block: tf32 takes eight.
    const late = [...new Array<number>(8).fill(2 ** -26), 1, ...new Array<number>(7).fill(0)];
    expect(tensorCoreDot(hopper.tf32, left, late, 0, 'fp32')).toBe(1 + 2 ** -23);
    expect(tensorCoreDot(hopper.bf16, left, late, 0, 'fp32')).toBe(1);
  });

  it('tf32 goes four by four, bf16 eight by eight', () => {
    const right = [2 ** -25, 2 ** -25, 2 ** -25, 2 ** -25, 1, 0, 0, 0];
    const left = new Array<number>(8).fill(1);
    expect(tensorCoreDot(ampere.tf32, left, right, 0, 'fp32')).toBe(1 + 2 ** -23);
    expect(tensorCoreDot(ampere.bf16, left, right, 0, 'fp32')).toBe(1);
  });
});
