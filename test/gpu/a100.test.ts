import { describe, expect, test } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { timedProductSeconds } from '../../src/models/gpu/predict/transformer.ts';
import { type GpuSpec, gpuSpec } from '../../src/models/gpu/spec.ts';

const machine = (name: string): GpuSpec => loadMachine(name, [], { gpu: gpuSpec }).spec as GpuSpec;
const a100 = machine('a100');
const cache = new Map();
const timeUs = (spec: GpuSpec, batch: number, m: number, n: number, k: number): number =>
  timedProductSeconds(spec, { batch, m, n, k, precision: 'bf16', operandBytes: 2 }, spec === a100 ? cache : new Map()) *
  1e6;

/** LLMCompass's measurements of an A100 (BSD-3-Clause), bf16, microseconds of a call with a host timer around it: m, n, k, time. */
const PRODUCTS = [
  [64, 12288, 12288, 190],
  [512, 12288, 12288, 611.8],
  [1024, 12288, 12288, 1199],
  [2048, 12288, 12288, 2358.6],
  [4096, 12288, 12288, 4457.6],
  [8192, 12288, 12288, 8621.6],
  [8192, 64, 64, 29.6],
  [8192, 128, 128, 31],
  [8192, 1024, 1024, 92.7],
  [8192, 4096, 4096, 1021],
  [8192, 16384, 16384, 15008.7],
  [8192, 32768, 32768, 61134.6],
] as const;

/** The same for products of one GPT-3 layer on one of four GPUs: times it runs, batch, m, n, k, microseconds of all. */
const PREFILL = [
  [3, 1, 16384, 3072, 12288, 13721.8],
  [1, 192, 2048, 2048, 128, 1881.1],
  [1, 192, 2048, 128, 2048, 1183.2],
  [1, 1, 16384, 12288, 12288, 17485.6],
] as const;
const DECODE = [
  [3, 1, 8, 3072, 12288, 212.4],
  [1, 192, 1, 128, 3073, 138.6],
  [1, 1, 8, 12288, 12288, 186],
] as const;

describe('measured products', () => {
  test('at most 3.5 % off on average', () => {
    const errors = PRODUCTS.map(([m, n, k, measured]) => Math.abs(timeUs(a100, 1, m, n, k) / measured - 1));
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.035);
  });

  test.each([
    ['prefill', PREFILL, 0.04],
    ['decode', DECODE, 0.08],
  ] as const)('a GPT-3 layer in %s: their sum is off by at most the bound', (_phase, rows, bound) => {
    const predicted = rows.reduce((sum, [times, batch, m, n, k]) => sum + times * timeUs(a100, batch, m, n, k), 0);
    const measured = rows.reduce((sum, row) => sum + row[5], 0);
    expect(Math.abs(predicted / measured - 1)).toBeLessThan(bound);
  });
});

describe('machines', () => {
  test('peak rates are those of the white paper at the boost clock', () => {
    const tflops = (precision: string): number => {
      const { m, n, k, instructions } = a100.math[precision]!;
      // Eight cycles an instruction, four sub-cores, 108 SMs.
      return (2 * m * n * k * 4 * 108 * 1410e6) / (instructions * 8) / 1e12;
    };
    const published = { fp16: 312, bf16: 312, tf32: 156, int8: 624, int4: 1248 };
    for (const [precision, peak] of Object.entries(published)) expect(tflops(precision) / peak).toBeCloseTo(1, 3);
  });

  test('a product that streams weights takes as much longer on the 40 GB card as its memory is slower', () => {
    const hostUs = 26;
    const ratio =
      (timeUs(machine('a100-40gb'), 1, 8, 12288, 12288) - hostUs) / (timeUs(a100, 1, 8, 12288, 12288) - hostUs);
    expect(ratio).toBeGreaterThan(1.2);
    expect(ratio).toBeLessThan(2039 / 1555);
  });
});
