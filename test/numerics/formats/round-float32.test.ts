import { describe, expect, it } from 'vitest';
import {
  BF16_FLUSHED,
  FLOAT_FORMATS,
  FP8_E4M3_IEEE,
  FP16_E6M9,
  type FloatFormat,
} from '../../../src/numerics/formats/float-format.ts';
import { formatFacts } from '../../../src/numerics/formats/format-facts.ts';
import { roundFloat32 } from '../../../src/numerics/formats/round-float32.ts';
import { createRounder } from '../../../src/numerics/formats/round-number.ts';
import { NEAREST_EVEN, type Rounding, stochastic, TOWARD_ZERO } from '../../../src/numerics/formats/rounding.ts';
import { ENUMERATED, nearestPattern, patternBelow } from './definition.ts';
import { anyFloat32, seededWords } from './random.ts';

const FORMATS: readonly FloatFormat[] = [...Object.values(FLOAT_FORMATS), BF16_FLUSHED, FP8_E4M3_IEEE, FP16_E6M9];

function rounded(values: readonly number[], format: FloatFormat, rounding: Rounding): number[] {
  const buffer = Float32Array.from(values);
  roundFloat32(buffer, format, rounding);
  return Array.from(buffer);
}

/** Random patterns, and the edges of the format with what lies beside them. */
function samples(format: FloatFormat, random: () => number): Float32Array {
  const { largest, smallestNormal, smallest, epsilon } = formatFacts(format);
  const edges = [0, smallest / 2, smallest, 1.5 * smallest, smallestNormal, 1, 1 + epsilon / 2, largest, 3.4e38];
  const beside = edges.flatMap((edge) => [edge, edge * (1 - 2 ** -23), edge * (1 + 2 ** -23)]);
  const special = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
  const near = Array.from({ length: 40_000 }, () => (random() / 2 ** 31 - 1) * 2 ** ((random() % 50) - 30));
  const any = Array.from({ length: 40_000 }, () => anyFloat32(random));
  return Float32Array.from([...beside, ...beside.map((value) => -value), ...special, ...near, ...any]);
}

describe('in place', () => {
  it.each(Object.entries(ENUMERATED))('%s is the nearest of all its values, or the one below', (name, format) => {
    const midpoints = format.magnitudes.map((lower, index) => (lower + (format.magnitudes[index + 1] ?? lower)) / 2);
    const besideMidpoints = midpoints.flatMap((midpoint) => [midpoint * (1 - 2 ** -23), midpoint * (1 + 2 ** -23)]);
    const random = samples(FLOAT_FORMATS[name as keyof typeof ENUMERATED], seededWords(3)).filter(Number.isFinite);
    const values = Float32Array.from([...format.magnitudes, ...midpoints, ...besideMidpoints, ...random]);
    const nearest = values.slice();
    roundFloat32(nearest, FLOAT_FORMATS[name as keyof typeof ENUMERATED], { ...NEAREST_EVEN, overflow: 'saturate' });
    const below = values.slice();
    roundFloat32(below, FLOAT_FORMATS[name as keyof typeof ENUMERATED], TOWARD_ZERO);
    const largest = format.magnitudes.at(-1)!;
    values.forEach((value, index) => {
      const sign = value < 0 || Object.is(value, -0) ? -1 : 1;
      const nearestMagnitude = format.magnitudes[nearestPattern(format, Math.min(Math.abs(value), format.beyond))];
      if (!Object.is(nearest[index], sign * (nearestMagnitude ?? largest))) expect.fail(`nearest of ${value}`);
      const lower = format.magnitudes[patternBelow(format, Math.abs(value))]!;
      if (!Object.is(below[index], sign * lower)) expect.fail(`below ${value}`);
    });
  });

  const rule = (mode: Rounding['mode'], overflow: Rounding['overflow'], seed: number): Rounding =>
    mode === 'stochastic' ? stochastic(seededWords(seed), overflow) : { mode, overflow };
  const cases = FORMATS.flatMap((format) =>
    (['nearest-even', 'toward-zero', 'stochastic'] as const).flatMap((mode) =>
      (['infinity', 'saturate'] as const).map((overflow) => ({ format, mode, overflow })),
    ),
  );
  it.each(cases)('$format.name $mode $overflow is the rounding of single numbers', ({ format, mode, overflow }) => {
    const values = samples(format, seededWords(17));
    const expected = Float32Array.from(values, createRounder(format, rule(mode, overflow, 23)));
    roundFloat32(values, format, rule(mode, overflow, 23));
    values.forEach((value, index) => {
      if (!Object.is(value, expected[index])) expect.fail(`${value} for ${expected[index]} at ${index}`);
    });
  });

  it('touches only its own part of a shared buffer', () => {
    const whole = Float32Array.of(1.001, 1.001, 1.001);
    roundFloat32(whole.subarray(1, 2), FLOAT_FORMATS.fp8e5m2, NEAREST_EVEN);
    expect(Array.from(whole)).toEqual([Math.fround(1.001), 1, Math.fround(1.001)]);
  });
});

describe('stochastic rounding', () => {
  it('goes up for exactly as many random words as the distance says', () => {
    // 1.25 + 1/64 lies 1/16 of the way from 1.25 to 1.5: up for words below 2^32 / 16.
    const { fp8e5m2 } = FLOAT_FORMATS;
    const value = 1.25 + 1 / 64;
    expect(
      rounded(
        [value],
        fp8e5m2,
        stochastic(() => 2 ** 28 - 1),
      ),
    ).toEqual([1.5]);
    expect(
      rounded(
        [value],
        fp8e5m2,
        stochastic(() => 2 ** 28),
      ),
    ).toEqual([1.25]);
    expect(
      rounded(
        [-value],
        fp8e5m2,
        stochastic(() => 2 ** 28 - 1),
      ),
    ).toEqual([-1.5]);
    // A quarter of the smallest subnormal number.
    expect(
      rounded(
        [2 ** -18],
        fp8e5m2,
        stochastic(() => 2 ** 30 - 1),
      ),
    ).toEqual([2 ** -16]);
    expect(
      rounded(
        [2 ** -18],
        fp8e5m2,
        stochastic(() => 2 ** 30),
      ),
    ).toEqual([0]);
  });

  it('draws more words for probabilities below 2^-32, and none for exact numbers', () => {
    // 2^-100 is 2^-84 of the smallest number: words 0, 0 and then one below 2^12.
    const words = (...list: number[]): Rounding => stochastic(() => list.shift() ?? expect.fail('one word too many'));
    const { fp8e5m2 } = FLOAT_FORMATS;
    expect(rounded([2 ** -100], fp8e5m2, words(0, 0, 2 ** 12 - 1))).toEqual([2 ** -16]);
    expect(rounded([2 ** -100], fp8e5m2, words(0, 0, 2 ** 12))).toEqual([0]);
    expect(rounded([2 ** -100], fp8e5m2, words(1))).toEqual([0]);
    expect(rounded([1.25, 0, -448, 2 ** -16, Number.POSITIVE_INFINITY], fp8e5m2, words())).toEqual([
      1.25,
      0,
      -448,
      2 ** -16,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it.each(FORMATS.filter(({ name }) => name !== 'fp32' && name !== 'bf16-flushed'))(
    '$name has the right mean',
    (format) => {
      const count = 200_000;
      const { epsilon, lowestQuantum, smallestNormal } = formatFacts(format);
      const points = [
        ...[0.01, 0.3, 0.5, 0.83].map((share) => ({ from: 1, gap: epsilon, share })),
        ...[0.1, 0.7].map((share) => ({ from: smallestNormal / 2, gap: lowestQuantum, share })),
      ];
      points.forEach(({ from, gap, share }, point) => {
        const values = new Float32Array(count).fill(from + share * gap);
        const exactShare = (values[0]! - from) / gap;
        roundFloat32(values, format, stochastic(seededWords(101 + point)));
        let ups = 0;
        let downs = 0;
        for (const value of values) {
          if (value === from + gap) ups++;
          else if (value === from) downs++;
        }
        expect(ups + downs).toBe(count);
        // Four standard deviations of a binomial count: one failure in 16,000 seeds, and the seeds are fixed.
        expect(Math.abs(ups - count * exactShare)).toBeLessThan(4 * Math.sqrt(count * exactShare * (1 - exactShare)));
      });
    },
  );
});
