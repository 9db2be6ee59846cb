import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../src/numerics/formats/bits.ts';
import {
  BF16_FLUSHED,
  FLOAT_FORMATS,
  FP8_E4M3_IEEE,
  FP16_E6M9,
  type FloatFormat,
} from '../../../src/numerics/formats/float-format.ts';
import { formatFacts } from '../../../src/numerics/formats/format-facts.ts';
import { NEAREST_EVEN, TOWARD_ZERO } from '../../../src/numerics/formats/rounding.ts';
import { ENUMERATED } from './definition.ts';
import { seededWords } from './random.ts';

const { fp32, tf32, bf16, fp16, fp8e5m2, fp8e4m3 } = FLOAT_FORMATS;

/** Every pattern of a format that is encoded differently from how it was decoded, NaN aside. */
function changedPatterns(format: FloatFormat): number[] {
  const changed: number[] = [];
  for (let pattern = 0; pattern < 2 ** formatFacts(format).bits; pattern++) {
    const value = decode(pattern, format);
    if (Number.isNaN(value)) continue;
    if (encode(value, format, NEAREST_EVEN) !== pattern || encode(value, format, TOWARD_ZERO) !== pattern) {
      changed.push(pattern);
    }
  }
  return changed;
}

describe('every bit pattern', () => {
  it.each([fp16, bf16, FP16_E6M9, tf32, fp8e5m2, fp8e4m3, FP8_E4M3_IEEE])(
    '$name decodes and encodes to itself',
    (format) => {
      expect(changedPatterns(format)).toEqual([]);
    },
  );

  it.each(Object.entries(ENUMERATED))('%s decodes to the value of the definition', (name, { magnitudes }) => {
    const format = FLOAT_FORMATS[name as keyof typeof ENUMERATED];
    const signBit = 2 ** (formatFacts(format).bits - 1);
    magnitudes.forEach((magnitude, pattern) => {
      if (!Object.is(decode(pattern, format), magnitude)) expect.fail(`pattern ${pattern}`);
      if (!Object.is(decode(pattern + signBit, format), -magnitude)) expect.fail(`pattern -${pattern}`);
    });
    const finite = Array.from({ length: signBit }, (_, pattern) => decode(pattern, format)).filter(Number.isFinite);
    expect(finite).toHaveLength(magnitudes.length);
  });

  it('a format without subnormal numbers reads their patterns as zero', () => {
    expect(decode(0x7f, BF16_FLUSHED)).toBe(0);
    expect(decode(0x807f, BF16_FLUSHED)).toBe(-0);
    expect(decode(0x80, BF16_FLUSHED)).toBe(2 ** -126);
  });
});

describe('infinity and NaN', () => {
  it.each<[FloatFormat, number, number]>([
    [fp32, 0x7f800000, 0x7fc00000],
    [bf16, 0x7f80, 0x7fc0],
    [fp16, 0x7c00, 0x7e00],
    [fp8e5m2, 0x7c, 0x7e],
    [FP8_E4M3_IEEE, 0x78, 0x7c],
  ])('$name', (format, infinity, notANumber) => {
    expect(encode(Number.POSITIVE_INFINITY, format, NEAREST_EVEN)).toBe(infinity);
    expect(encode(Number.NaN, format, NEAREST_EVEN)).toBe(notANumber);
    expect(decode(infinity, format)).toBe(Number.POSITIVE_INFINITY);
    expect(decode(notANumber, format)).toBeNaN();
  });

  it('fp8e4m3 has no infinity: it overflows to the one NaN, or to 448', () => {
    expect(encode(1e9, fp8e4m3, NEAREST_EVEN)).toBe(0x7f);
    expect(encode(Number.NEGATIVE_INFINITY, fp8e4m3, NEAREST_EVEN)).toBe(0x7f);
    expect(encode(-1e9, fp8e4m3, { ...NEAREST_EVEN, overflow: 'saturate' })).toBe(0xfe);
    expect(decode(0xfe, fp8e4m3)).toBe(-448);
    expect(decode(0xff, fp8e4m3)).toBeNaN();
  });
});

describe('fp32', () => {
  it('is what DataView stores', () => {
    const view = new DataView(new ArrayBuffer(4));
    const random = seededWords(11);
    for (let count = 0; count < 200_000; count++) {
      const pattern = random();
      view.setUint32(0, pattern);
      const value = view.getFloat32(0);
      if (Number.isNaN(value)) continue;
      if (!Object.is(decode(pattern, fp32), value)) expect.fail(`decode ${pattern}`);
      if (encode(value, fp32, NEAREST_EVEN) !== pattern) expect.fail(`encode ${value}`);
    }
  });
});
