import { describe, expect, it } from 'vitest';
import {
  BF16_FLUSHED,
  FLOAT_FORMATS,
  FP8_E4M3_IEEE,
  FP16_E6M9,
  type FloatFormat,
} from '../../../src/numerics/formats/float-format.ts';
import { formatFacts } from '../../../src/numerics/formats/format-facts.ts';
import { ENUMERATED } from './definition.ts';

describe('value ranges', () => {
  // The lectures' table of dynamic ranges (Mellempudi 2019, table 1). It gives 65 535 as fp16's largest number, which is no
  // fp16 number; IEEE 754 gives 65 504.
  it.each([
    ['fp32', 3.4e38, 1.17e-38, 1.4e-45],
    ['fp16', 65504, 6.1e-5, 5.96e-8],
    ['fp8e5m2', 57344, 6.1e-5, 1.52e-5],
  ] as const)('%s as in the lectures', (name, largest, smallestNormal, smallest) => {
    const facts = formatFacts(FLOAT_FORMATS[name]);
    for (const [value, printed] of [
      [facts.largest, largest],
      [facts.smallestNormal, smallestNormal],
      [facts.smallest, smallest],
    ] as const) {
      expect(Math.abs(value / printed - 1)).toBeLessThan(0.006);
    }
  });

  it.each<[FloatFormat, number, number, number, number, number]>([
    [FLOAT_FORMATS.fp32, 32, (2 - 2 ** -23) * 2 ** 127, 2 ** -126, 2 ** -149, 2 ** -23],
    [FLOAT_FORMATS.tf32, 19, (2 - 2 ** -10) * 2 ** 127, 2 ** -126, 2 ** -136, 2 ** -10],
    [FLOAT_FORMATS.bf16, 16, (2 - 2 ** -7) * 2 ** 127, 2 ** -126, 2 ** -133, 2 ** -7],
    [BF16_FLUSHED, 16, (2 - 2 ** -7) * 2 ** 127, 2 ** -126, 2 ** -126, 2 ** -7],
    [FLOAT_FORMATS.fp16, 16, 65504, 2 ** -14, 2 ** -24, 2 ** -10],
    [FP16_E6M9, 16, (2 - 2 ** -9) * 2 ** 31, 2 ** -30, 2 ** -39, 2 ** -9],
    [FLOAT_FORMATS.fp8e5m2, 8, 57344, 2 ** -14, 2 ** -16, 0.25],
    [FLOAT_FORMATS.fp8e4m3, 8, 448, 2 ** -6, 2 ** -9, 0.125],
    [FP8_E4M3_IEEE, 8, 240, 2 ** -6, 2 ** -9, 0.125],
  ])('exact facts: $name', (format, bits, largest, smallestNormal, smallest, epsilon) => {
    expect(formatFacts(format)).toMatchObject({ bits, largest, smallestNormal, smallest, epsilon });
  });

  it.each(Object.entries(ENUMERATED))('%s: largest and smallest of all its values', (name, { magnitudes }) => {
    const facts = formatFacts(FLOAT_FORMATS[name as keyof typeof ENUMERATED]);
    expect(facts.largest).toBe(magnitudes.at(-1));
    expect(facts.smallest).toBe(magnitudes[1]);
  });

  it('fp16 spans 40 powers of two, as the lectures say', () => {
    const { highestExponent, smallest } = formatFacts(FLOAT_FORMATS.fp16);
    expect(highestExponent - Math.log2(smallest) + 1).toBe(40);
  });
});
