import { describe, expect, it } from 'vitest';
import {
  BF16_FLUSHED,
  FLOAT_FORMATS,
  FP16_E6M9,
  type FloatFormat,
} from '../../../src/numerics/formats/float-format.ts';
import { createRounder } from '../../../src/numerics/formats/round-number.ts';
import { NEAREST_EVEN, type Rounding, stochastic, TOWARD_ZERO } from '../../../src/numerics/formats/rounding.ts';
import { ENUMERATED } from './definition.ts';
import { seededWords } from './random.ts';

const { fp32, bf16, fp16, fp8e4m3 } = FLOAT_FORMATS;

/** The float64 next to a positive one; away from zero for +1. */
function neighbour(value: number, step: bigint): number {
  const bits = new BigUint64Array(Float64Array.of(value).buffer);
  bits[0]! += step;
  return new Float64Array(bits.buffer)[0]!;
}

describe.each(Object.entries(ENUMERATED))('between all neighbours of %s', (name, { magnitudes, beyond }) => {
  const format: FloatFormat = FLOAT_FORMATS[name as keyof typeof ENUMERATED];
  const overflowed = format.hasInfinity ? Number.POSITIVE_INFINITY : Number.NaN;
  const nearest = createRounder(format, NEAREST_EVEN);
  const truncated = createRounder(format, TOWARD_ZERO);

  it('the midpoint goes to the even one, and whatever is beside it to the nearer', () => {
    magnitudes.forEach((lower, pattern) => {
      const upper = magnitudes[pattern + 1];
      const midpoint = (lower + (upper ?? beyond)) / 2;
      const expected = [
        [neighbour(midpoint, -1n), lower],
        [midpoint, pattern % 2 === 0 ? lower : (upper ?? overflowed)],
        [neighbour(midpoint, 1n), upper ?? overflowed],
      ] as const;
      for (const [value, rounded] of expected) {
        if (!Object.is(nearest(value), rounded)) expect.fail(`${value}: ${nearest(value)} for ${rounded}`);
        if (!Object.is(nearest(-value), -rounded)) expect.fail(`${-value}: ${nearest(-value)} for ${-rounded}`);
        if (!Object.is(truncated(value), lower)) expect.fail(`${value} toward zero: ${truncated(value)} for ${lower}`);
        if (!Object.is(truncated(-value), -lower)) expect.fail(`${-value} toward zero: ${truncated(-value)}`);
      }
    });
  });
});

describe('fp32', () => {
  it('is Math.fround, also where float64 values lie between subnormal numbers or overflow', () => {
    const round = createRounder(fp32, NEAREST_EVEN);
    const random = seededWords(5);
    for (let count = 0; count < 300_000; count++) {
      const value = (1 + random() / 2 ** 32 + random() / 2 ** 52) * 2 ** ((random() % 290) - 155);
      for (const signed of [value, -value]) {
        if (!Object.is(round(signed), Math.fround(signed))) expect.fail(`${signed}`);
      }
    }
    for (const value of [0, -0, Number.MAX_VALUE, Number.MIN_VALUE, 2 ** -150, 2 ** -149, 1.5 * 2 ** -149]) {
      expect(round(value)).toBe(Math.fround(value));
    }
  });
});

describe('beyond the range', () => {
  const saturate: Rounding = { mode: 'nearest-even', overflow: 'saturate' };

  it('nearest goes to infinity from half a place above the largest number on, or stays at the largest', () => {
    // fp16: 65504 and 65536 would be neighbours; 65520 is halfway, and 65504 is the odd one.
    expect([65519.9, 65520, 1e300, -65520].map(createRounder(fp16, NEAREST_EVEN))).toEqual([
      65504,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
    expect([65520, -1e300, Number.POSITIVE_INFINITY].map(createRounder(fp16, saturate))).toEqual([
      65504, -65504, 65504,
    ]);
    // fp8e4m3: 448 is the even one of 448 and 480.
    expect([464, 464.1, Number.POSITIVE_INFINITY].map(createRounder(fp8e4m3, NEAREST_EVEN))).toEqual([
      448,
      Number.NaN,
      Number.NaN,
    ]);
    expect([464.1, Number.NEGATIVE_INFINITY, Number.NaN].map(createRounder(fp8e4m3, saturate))).toEqual([
      448,
      -448,
      Number.NaN,
    ]);
  });

  it('toward zero stays at the largest number, but infinity stays infinity', () => {
    const round = createRounder(fp16, TOWARD_ZERO);
    expect([65519, 65536, -1e300].map(round)).toEqual([65504, 65504, -65504]);
    expect(round(Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
  });

  it('without subnormal numbers whatever lies below the smallest normal one is a zero with its sign', () => {
    for (const rounding of [NEAREST_EVEN, TOWARD_ZERO, stochastic(seededWords(1))]) {
      const round = createRounder(BF16_FLUSHED, rounding);
      expect(round(2 ** -126)).toBe(2 ** -126);
      expect(round(0.999 * 2 ** -126)).toBe(0);
      expect(round(-(2 ** -130))).toBe(-0);
    }
  });

  it('keeps the sign of what is rounded to zero', () => {
    expect(createRounder(bf16, NEAREST_EVEN)(-(2 ** -140))).toBe(-0);
    expect(createRounder(FP16_E6M9, TOWARD_ZERO)(-(2 ** -40))).toBe(-0);
  });
});
