import { describe, expect, it } from 'vitest';
import { createDot, createSum, lineOf } from '../../../src/numerics/formats/accumulate.ts';
import { FLOAT_FORMATS, FP16_E6M9, type FloatFormat } from '../../../src/numerics/formats/float-format.ts';
import { NEAREST_EVEN, type Rounding, stochastic } from '../../../src/numerics/formats/rounding.ts';
import { seededWords } from './random.ts';

const { fp16, fp32, fp8e5m2 } = FLOAT_FORMATS;

function sumOf(values: Float32Array, format: FloatFormat, chunkElements: number, rounding: Rounding = NEAREST_EVEN) {
  return createSum({ format, rounding, chunkElements })(lineOf(values), values.length);
}

describe('effect of chunk size', () => {
  // The lectures: the fp16 sum of two numbers whose ratio is greater than 2^11 is the larger one. In general a sum of ones
  // stalls where the last place becomes 2: 2^(fractionBits + 1).
  it.each([
    [fp16, 2048],
    [FP16_E6M9, 1024],
    [fp8e5m2, 8],
  ])('a sum of ones in $name stalls without chunks', (format, stalled) => {
    expect(sumOf(new Float32Array(16384).fill(1), format, 16384)).toBe(stalled);
    expect(sumOf(new Float32Array(16384).fill(1), format, 1)).toBe(stalled);
  });

  it('chunks carry the same sum to its end', () => {
    const ones = new Float32Array(16384).fill(1);
    for (const chunkElements of [16, 32, 64, 128, 256, 512, 1024]) {
      expect(sumOf(ones, fp16, chunkElements)).toBe(16384);
      expect(sumOf(ones, FP16_E6M9, chunkElements)).toBe(16384);
    }
    // Chunks of 8 add 8 until the last place is 2 * 8 = 16, at 64.
    expect(sumOf(ones, fp16, 4)).toBe(4 * 2048);
    expect(sumOf(ones, fp8e5m2, 8)).toBe(64);
  });

  it('chunks of 64 of random numbers are within 0.5 %, plain sums lose most (Wang 2018)', () => {
    const random = seededWords(7);
    const values = Float32Array.from({ length: 65536 }, () => random() / 2 ** 32);
    const exact = values.reduce((sum, value) => sum + value, 0);
    const errorOf = (chunk: number, rounding = NEAREST_EVEN): number =>
      Math.abs(sumOf(values, FP16_E6M9, chunk, rounding) / exact - 1);
    expect(errorOf(65536)).toBeGreaterThan(0.9);
    expect(errorOf(8)).toBeGreaterThan(0.5);
    expect(errorOf(64)).toBeLessThan(0.005);
    expect(errorOf(256)).toBeLessThan(0.005);
    expect(errorOf(16384)).toBeGreaterThan(errorOf(256));
    // Stochastic rounding needs no chunks to stay near.
    expect(errorOf(65536, stochastic(seededWords(9)))).toBeLessThan(0.05);
  });
});

describe('bit exact', () => {
  const largestFirst = (left: number, right: number): number => Math.abs(right) - Math.abs(left);

  /** Integers in units of 2^-300, in which every float32 and every product of two is exact. */
  const exactly = (value: number): bigint => {
    const bits = new BigUint64Array(Float64Array.of(value).buffer)[0]!;
    const exponent = Number((bits >> 52n) & 0x7ffn);
    if (exponent === 0) return 0n;
    const significand = (bits & 0xfffffffffffffn) | 0x10000000000000n;
    const shift = exponent - 1075 + 300;
    const magnitude = shift >= 0 ? significand << BigInt(shift) : significand >> BigInt(-shift);
    return bits >> 63n ? -magnitude : magnitude;
  };

  /** Nearest fp16 number to an exact one by trying all, the even pattern of two equally near. */
  const halves = Array.from({ length: 0x7c00 }, (_, pattern) => {
    const fraction = pattern & 0x3ff;
    const exponent = pattern >> 10;
    return exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  });
  const exactHalves = halves.map(exactly);
  const nearestHalf = (exact: bigint): number => {
    const magnitude = exact < 0n ? -exact : exact;
    let below = 0;
    let above = halves.length - 1;
    while (above - below > 1) {
      const middle = (below + above) >> 1;
      if (exactHalves[middle]! <= magnitude) below = middle;
      else above = middle;
    }
    const difference = 2n * magnitude - exactHalves[below]! - exactHalves[above]!;
    const pattern = difference < 0n || (difference === 0n && below % 2 === 0) ? below : above;
    return exact < 0n ? -halves[pattern]! : halves[pattern]!;
  };

  it('each addition of a product rounds once: against exact integers', () => {
    const random = seededWords(31);
    for (let round = 0; round < 300; round++) {
      const some = (): Float32Array =>
        Float32Array.from({ length: 12 }, () => (random() / 2 ** 31 - 1) * 2 ** ((random() % 24) - 18));
      const left = some();
      const right = some();
      let expected = 0;
      for (let index = 0; index < 12; index++) {
        expected = nearestHalf(exactly(expected) + exactly(left[index]! * right[index]!));
      }
      const dot = createDot({ format: fp16, rounding: NEAREST_EVEN, chunkElements: 12 });
      expect(dot(lineOf(left), lineOf(right), 12) + 0).toBe(expected + 0);
    }
  });

  it('a float64 sum in between would round twice', () => {
    // 1 + 2^-10 is odd in fp16; the product is 2^-57 less than the 2^-11 that would make a tie, lost in a float64 sum.
    const left = Float32Array.of(1 + 2 ** -10, 1 + 2 ** -23);
    const right = Float32Array.of(1, 2 ** -11 * (1 - 2 ** -23));
    const product = left[1]! * right[1]!;
    expect(product).toBe(2 ** -11 - 2 ** -57);
    expect(left[0]! + product).toBe(1 + 2 ** -10 + 2 ** -11);
    const dot = createDot({ format: fp16, rounding: NEAREST_EVEN, chunkElements: 2 });
    expect(dot(lineOf(left), lineOf(right), 2)).toBe(1 + 2 ** -10);
  });

  it('an fp32 accumulator is Math.fround after each addition', () => {
    const random = seededWords(13);
    const values = Float32Array.from({ length: 4096 }, () => random() / 2 ** 31 - 1).sort(largestFirst);
    let expected = 0;
    for (const value of values) expected = Math.fround(expected + value);
    expect(sumOf(values, fp32, values.length)).toBe(expected);
  });

  it('reads rows and columns in place', () => {
    const matrix = Float32Array.of(1, 2, 3, 4, 5, 6);
    const dot = createDot({ format: fp32, rounding: NEAREST_EVEN, chunkElements: 2 });
    // Row 1 of [2, 3] with column 2 of [3, 2] read backwards as a stride: 4*2 + 5*4 + 6*6.
    expect(dot({ values: matrix, offset: 3, stride: 1 }, { values: matrix, offset: 1, stride: 2 }, 3)).toBe(64);
  });

  it('refuses a chunk without elements', () => {
    expect(() => createSum({ format: fp32, rounding: NEAREST_EVEN, chunkElements: 0 })).toThrow(/chunk of 0/);
  });
});
