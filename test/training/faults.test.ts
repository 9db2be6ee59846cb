import { describe, expect, it } from 'vitest';
import { dataPath, readInputBytes } from '../../src/files.ts';
import { FLOAT_FORMATS } from '../../src/numerics/formats/float-format.ts';
import { roundFloat32 } from '../../src/numerics/formats/round-float32.ts';
import { NEAREST_EVEN } from '../../src/numerics/formats/rounding.ts';
import { createKernels } from '../../src/numerics/kernels/kernels.ts';
import type { ConvSizes } from '../../src/numerics/ops/contraction.ts';
import { plainContractions } from '../../src/numerics/ops/plain-contractions.ts';
import { Random } from '../../src/numerics/random.ts';
import { fastContractions } from '../../src/training/fast-contractions.ts';
import { type BitField, flipBits } from '../../src/training/faults/bit-flips.ts';
import { checkFaults, faultyAccuracy } from '../../src/training/faults/faulty-accuracy.ts';
import { perforated } from '../../src/training/faults/perforation.ts';
import { forwardTrace } from './execute/network.ts';
import { learner, PERCEPTRON, trainAll } from './learning.ts';

/** Bits in which two fp32 patterns differ, by the machine's own encoding. */
function changedBits(before: number, after: number): number[] {
  const [a, b] = new Uint32Array(Float32Array.of(before, after).buffer) as unknown as [number, number];
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (((a ^ b) >>> bit) & 1) === 1);
}

function drawn(length: number, seed = 1): Float32Array {
  const random = Random.seeded(seed);
  return Float32Array.from({ length }, () => random.normal());
}

describe('bit flips', () => {
  const fields: [BitField, number, number][] = [
    ['any', 0, 31],
    ['sign', 31, 31],
    ['exponent', 23, 30],
    ['fraction', 0, 22],
  ];
  it.each(fields)('%s: at rate 1 all bits of the field flip, and no other', (bits, lowest, highest) => {
    const before = drawn(2000);
    const after = before.slice();
    flipBits(after, FLOAT_FORMATS.fp32, { rate: 1, bits }, Random.seeded(2));
    after.forEach((value, at) => {
      // A pattern of NaN is not kept: all NaNs are one.
      if (Number.isNaN(value)) return;
      expect(changedBits(before[at]!, value)).toEqual(
        Array.from({ length: highest - lowest + 1 }, (_, bit) => lowest + bit),
      );
    });
  });

  it('hits all bits alike, nearly always one of a number', () => {
    const before = drawn(200_000);
    const after = before.slice();
    flipBits(after, FLOAT_FORMATS.fp32, { rate: 1e-3, bits: 'fraction' }, Random.seeded(6));
    const hits = new Array<number>(23).fill(0);
    after.forEach((value, at) => {
      for (const bit of changedBits(before[at]!, value)) hits[bit]!++;
    });
    // Binomial with mean 200 and deviation 14.1 for each of 23 bits; five of them.
    for (const count of hits) expect(Math.abs(count - 200)).toBeLessThan(71);
  });

  it.each([
    ['fp16', 1, [-1, 0.5, 1 + 2 ** -10, Number.POSITIVE_INFINITY]],
    ['bf16', 1, [-1, 0.5, 1 + 2 ** -7, Number.POSITIVE_INFINITY]],
  ] as const)('%s patterns: a flipped bit of 1 stays in the format', (name, value, some) => {
    const format = FLOAT_FORMATS[name];
    const values = new Float32Array(6000).fill(value);
    flipBits(values, format, { rate: 1 / 128, bits: 'any' }, Random.seeded(3));
    const results = new Set(values);
    for (const one of some) expect(results.has(one), String(one)).toBe(true);
    roundFloat32(values, format, NEAREST_EVEN);
    expect(new Set(values)).toEqual(results);
  });

  it('hits the share it is told, none at rate 0, and refuses what is no chance', () => {
    const before = drawn(200_000);
    const hit = (rate: number): number => {
      const values = before.slice();
      flipBits(values, FLOAT_FORMATS.fp32, { rate, bits: 'sign' }, Random.seeded(4));
      return values.reduce((count, value, at) => count + (value === before[at] ? 0 : 1), 0);
    };
    expect(hit(0)).toBe(0);
    // Binomial with deviation 44.5 and 134; four of them.
    expect(Math.abs(hit(0.01) - 2000)).toBeLessThan(180);
    expect(Math.abs(hit(0.1) - 20_000)).toBeLessThan(540);
    for (const rate of [-0.1, 1.1, Number.NaN]) expect(() => hit(rate)).toThrow(/a share from 0 to 1/);
  });
});

const SIZES: ConvSizes = {
  n: 2,
  c: 4,
  h: 5,
  w: 4,
  k: 6,
  r: 3,
  s: 2,
  p: 3,
  q: 3,
  stride: [2, 1],
  padding: [1, 1, 0, 0],
  dilation: [1, 1],
  groups: 2,
};

describe('loop perforation', () => {
  it.each([false, true])('leaves out every n-th term of a product, rescaled: %s', (rescale) => {
    const [m, n, k, every] = [3, 4, 7, 3];
    const [left, right] = [drawn(m * k, 1), drawn(k * n, 2)];
    const transposedRight = Float32Array.from({ length: k * n }, (_, at) => right[(at % k) * n + Math.floor(at / k)]!);
    for (const transposed of [false, true]) {
      const result = new Float32Array(m * n).fill(1);
      perforated(plainContractions(), { every, rescale }).gemm(
        m,
        n,
        k,
        { values: left, offset: 0, leadingDimension: k, transposed: false },
        { values: transposed ? transposedRight : right, offset: 0, leadingDimension: transposed ? k : n, transposed },
        { values: result, offset: 0, leadingDimension: n, transposed: false },
        1,
      );
      result.forEach((value, at) => {
        // Terms 2 and 5 of 7 are left out.
        const kept = [0, 1, 3, 4, 6].map((term) => left[Math.floor(at / n) * k + term]! * right[term * n + (at % n)]!);
        const sum = kept.reduce((total, one) => total + one, 0);
        expect(value).toBeCloseTo(1 + sum * (rescale ? 7 / 5 : 1), 5);
      });
    }
  });

  it('leaves the terms of convolutions out: taps, filters, positions', () => {
    const exact = plainContractions('float64');
    const cut = perforated(exact, { every: 2, rescale: false });
    const { n, c, h, w, k, r, s, p, q, groups } = SIZES;
    const [inputs, outputs, weightCount] = [n * c * h * w, n * k * p * q, (k * c * r * s) / groups];
    const [operand, weights, gradient] = [inputs, weightCount, outputs].map((count, at) =>
      Float64Array.from(drawn(count, at + 1)),
    ) as [Float64Array, Float64Array, Float64Array];
    const taps = (c / groups) * r * s;
    const [results, expected] = [
      [outputs, inputs, weightCount].map((count) => new Float64Array(count)),
      [outputs, inputs, weightCount].map((count) => new Float64Array(count)),
    ] as [Float64Array[], Float64Array[]];
    cut.convForward(SIZES, operand, weights, results[0]!);
    exact.convForward(
      SIZES,
      operand,
      weights.map((value, at) => ((at % taps) % 2 === 1 ? 0 : value)),
      expected[0]!,
    );
    cut.convInputGradient(SIZES, gradient, weights, results[1]!);
    // Three filters a group: the second of each is left out.
    const dropped = weights.map((value, at) => ([1, 4].includes(Math.floor(at / taps)) ? 0 : value));
    exact.convInputGradient(SIZES, gradient, dropped, expected[1]!);
    cut.convWeightGradient(SIZES, operand, gradient, results[2]!);
    // Nine positions a sample: those of the second sample count from 9.
    const sampled = gradient.map((value, at) => ((Math.floor(at / (k * 9)) * 9 + (at % 9)) % 2 === 1 ? 0 : value));
    exact.convWeightGradient(SIZES, operand, sampled, expected[2]!);
    results.forEach((result, at) => expect(Array.from(result)).toEqual(Array.from(expected[at]!)));
  });

  it('refuses to leave out everything, or parts of a term', () => {
    for (const every of [0, 1, 2.5, Number.NaN])
      expect(() => perforated(plainContractions(), { every, rescale: false })).toThrow(/whole number from 2 on/);
  });
});

describe('faults that cannot be', () => {
  it('are refused before anything is trained', () => {
    const forward = forwardTrace(PERCEPTRON, 2, 'ternary/fp32');
    const flips = { rate: 0.1, bits: 'any', seed: 1 } as const;
    expect(() => checkFaults(forward, { flips: { ...flips, where: 'weights' } })).toThrow('bits of ternary');
    checkFaults(forward, { flips: { ...flips, where: 'activations' } });
    checkFaults(forward, { perforation: { every: 2, rescale: true } });
  });
});

describe('accuracy of a trained network under faults', () => {
  const fast = fastContractions(createKernels(readInputBytes(dataPath('dist', 'kernels.wasm'))));
  const trainers = ['fp32', 'bf16', 'fp16'].map((precision) => {
    return [precision, trainAll(learner({ precision, contractions: fast }))] as const;
  });
  const mean = (shares: readonly number[]): number => shares.reduce((sum, one) => sum + one, 0) / shares.length;
  const SEEDS = [1, 2, 3, 4, 5];

  describe.each(trainers)('%s', (_, trainer) => {
    const accuracy = (where: 'weights' | 'activations', rate: number, bits: BitField): number =>
      mean(SEEDS.map((seed) => faultyAccuracy(trainer.network, { flips: { where, rate, bits, seed } })));

    it.each(['weights', 'activations'] as const)('%s: rate 0 changes nothing, more faults cost more', (where) => {
      const healthy = trainer.testAccuracy();
      const bits = JSON.stringify([...trainer.state().session.tensors].map(([name, values]) => [name, [...values]]));
      expect(accuracy(where, 0, 'any')).toBe(healthy);
      const [few, some, many] = [1e-4, 2e-3, 0.03].map((rate) => accuracy(where, rate, 'any')) as [
        number,
        number,
        number,
      ];
      expect(few).toBeLessThanOrEqual(healthy);
      expect(some).toBeLessThan(few);
      expect(many).toBeLessThan(some - 0.05);
      // The trained weights are as they were.
      expect(JSON.stringify([...trainer.state().session.tensors].map(([name, values]) => [name, [...values]]))).toBe(
        bits,
      );
      expect(trainer.testAccuracy()).toBe(healthy);
    });

    it.each(['weights', 'activations'] as const)('%s: exponent bits hurt more than fraction bits', (where) => {
      expect(accuracy(where, 0.05, 'exponent')).toBeLessThan(accuracy(where, 0.05, 'fraction') - 0.02);
    });

    it('the more of its sums is left out, the less it tells right', () => {
      const [much, half] = [20, 2].map((every) =>
        faultyAccuracy(trainer.network, { perforation: { every, rescale: false } }),
      );
      expect(faultyAccuracy(trainer.network, { perforation: { every: 1000, rescale: true } })).toBe(
        trainer.testAccuracy(),
      );
      expect(half).toBeLessThan(much!);
    });
  });
});
