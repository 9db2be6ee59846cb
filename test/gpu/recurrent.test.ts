import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { type Recurrence, recurrentCall } from '../../src/models/gpu/lower/recurrent.ts';
import { type GpuSpec, gpuSpec } from '../../src/models/gpu/spec.ts';

const machine = (sets: readonly string[] = []): GpuSpec => loadMachine('v100', sets, { gpu: gpuSpec }).spec as GpuSpec;
const spec = machine();
const cache = new Map();

const BASE: Recurrence = {
  cell: 'vanilla',
  pass: 'forward',
  hidden: 512,
  batch: 32,
  timeSteps: 10,
  precision: 'fp16',
  operandBytes: 2,
};
const seconds = (part: Partial<Recurrence>): number => recurrentCall(spec, { ...BASE, ...part }, cache).seconds;

describe('step by step', () => {
  test('a step more costs the same while the queue fills, and two shorter gaps when it is full', () => {
    const { kernelUs, queuedKernelUs } = spec.library.recurrence;
    const early = seconds({ timeSteps: 11 }) - seconds({ timeSteps: 10 });
    expect(seconds({ timeSteps: 21 }) - seconds({ timeSteps: 20 })).toBeCloseTo(early, 12);
    const late = seconds({ timeSteps: 1001 }) - seconds({ timeSteps: 1000 });
    // Forward a step is a product and its pointwise part.
    expect(early - late).toBeCloseTo((2 * (kernelUs - queuedKernelUs)) / 1e6, 12);
  });

  test('a call of one step is its start, two gaps and two kernels', () => {
    const sets = ['library.recurrence.startUs=1000', 'library.recurrence.kernelUs=100'];
    const { seconds: all, step } = recurrentCall(machine(sets), { ...BASE, timeSteps: 1 }, new Map());
    const kernelsUs = step.reduce((sum, { timing }) => sum + timing.cycles, 0) / 1530;
    expect(step).toHaveLength(2);
    expect(all * 1e6).toBeCloseTo(1200 + kernelsUs, 6);
  });

  test('forward on tensor cores: one product of fixed tiles, not sliced; gradients are free to choose', () => {
    const names = (pass: Recurrence['pass']): string[] =>
      recurrentCall(spec, { ...BASE, pass, hidden: 2048 }, cache).step.map(({ kernel }) => kernel.name);
    expect(names('forward')).toEqual(['gemm fp16 64x64x32', 'recurrent pointwise']);
    expect(names('input-gradient')).toHaveLength(3);
    expect(names('input-gradient')[0]).toMatch(/slices/);
  });

  test('on P100 the batch decides on tile and slices, as its machine file names them', () => {
    const p100 = loadMachine('p100', [], { gpu: gpuSpec }).spec as GpuSpec;
    const names = (batch: number, pass: Recurrence['pass']): string[] => {
      const row: Recurrence = { ...BASE, pass, batch, hidden: 2048, precision: 'fp32', operandBytes: 4 };
      return recurrentCall(p100, row, new Map()).step.map(({ kernel }) => kernel.name);
    };
    for (const pass of ['forward', 'input-gradient'] as const) {
      const sliced = ['gemm fp32 64x64x8 in 8 slices', 'sum of 8 slices', 'recurrent pointwise'];
      expect(names(16, pass)).toEqual(sliced);
      expect(names(32, pass)).toEqual(['gemm fp32 128x32x8', 'recurrent pointwise']);
      expect(names(512, pass)).toEqual(sliced);
    }
  });

  test('with one stage every step of the reduction waits for its load: batch 32 on P100 is slower than 64', () => {
    const p100 = loadMachine('p100', [], { gpu: gpuSpec }).spec as GpuSpec;
    const step = (batch: number, hidden: number): number => {
      const row: Recurrence = { ...BASE, pass: 'input-gradient', precision: 'fp32', operandBytes: 4, batch, hidden };
      return recurrentCall(p100, row, new Map()).step.reduce((sum, { timing }) => sum + timing.cycles, 0);
    };
    // 512 cycles of multiplying, 730 of waiting for memory; DeepBench's rows of all sizes lie around 1,342.
    const perIteration = step(32, 2048) / (2048 / 8);
    expect(perIteration).toBeGreaterThan(512 + 730);
    expect(perIteration).toBeLessThan(1.15 * 1342);
    expect(step(32, 2048)).toBeGreaterThan(1.5 * step(64, 2048));
  });

  test('an LSTM multiplies four gates', () => {
    for (const pass of ['forward', 'input-gradient', 'weight-gradient'] as const) {
      const macs = recurrentCall(spec, { ...BASE, cell: 'lstm', pass }, cache).step.reduce(
        (sum, { kernel }) => sum + kernel.macsDone,
        0,
      );
      // hidden x 4 hidden x batch, for weight gradients of all ten steps together; tiles of 64 columns are half empty.
      const useful = 512 * 2048 * 32 * (pass === 'weight-gradient' ? 10 : 1);
      expect([useful, 2 * useful]).toContain(macs);
    }
  });

  test('does not get faster with size, whatever the cell and pass', () => {
    const sizes = fc.record({
      cell: fc.constantFrom('vanilla' as const, 'gru' as const, 'lstm' as const),
      hidden: fc.integer({ min: 1, max: 16 }).map((size) => 64 * size),
      batch: fc.integer({ min: 1, max: 16 }).map((size) => 8 * size),
      timeSteps: fc.integer({ min: 1, max: 400 }),
    });
    fc.assert(
      fc.property(sizes, (one) => {
        expect(seconds({ ...one, timeSteps: one.timeSteps + 1 })).toBeGreaterThan(seconds(one));
        // 1 %: rates are rounded to that.
        expect(seconds({ ...one, hidden: 2 * one.hidden }) * 1.01).toBeGreaterThan(seconds(one));
      }),
      { seed: 4, numRuns: 25 },
    );
  });
});

describe('weight gradients', () => {
  test('pack the gates and inputs of all steps, add up biases, and add the product to the gradients', () => {
    const { step, steps } = recurrentCall(spec, { ...BASE, cell: 'gru', pass: 'weight-gradient', hidden: 1024 }, cache);
    const traffic = Object.fromEntries(
      step.map(({ kernel }) => [kernel.name, [kernel.loadBytes, kernel.resultWriteBytes]]),
    );
    expect(steps).toBe(1);
    // 320 columns (10 steps of 32) of 3 x 1024 gates and 1024 inputs, 2 bytes each.
    expect(traffic['pack steps']).toEqual([2_621_440, 2_621_440]);
    expect(traffic['bias gradients']).toEqual([1_966_080, 0]);
    // Workspace and old gradients of 3072 x 1024 in, new ones out.
    expect(traffic['add to weight gradients']).toEqual([12_582_912, 6_291_456]);
  });
});

/** DeepBench, V100, fp16 (workbook of October 2019, Apache-2.0): cell, hidden, batch, time steps, microseconds of the three passes. */
const MEASURED = [
  ['vanilla', 1760, 16, 50, 2958, 2181, 207],
  ['vanilla', 1760, 128, 50, 4125, 3166, 693],
  ['vanilla', 2048, 32, 50, 3243, 2776, 342],
  ['vanilla', 2560, 32, 50, 4614, 2955, 480],
  ['lstm', 256, 64, 150, 4450, 5429, 241],
  ['lstm', 512, 128, 25, 858, 1119, 221],
  ['lstm', 1024, 32, 25, 1279, 1484, 227],
  ['lstm', 1536, 16, 50, 3679, 3444, 402],
  ['lstm', 2048, 64, 25, 2302, 2475, 862],
  ['lstm', 4096, 16, 25, 5580, 5038, 1203],
  ['lstm', 4096, 128, 25, 6643, 5923, 4597],
  ['gru', 2048, 32, 187, 14260, 14794, 2009],
  ['gru', 2048, 32, 1500, 85274, 87365, 13209],
  ['gru', 2560, 32, 375, 42776, 31013, 5174],
] as const;

describe('measured V100 kernels', () => {
  test.each([
    ['forward', 4],
    ['input-gradient', 5],
    ['weight-gradient', 6],
  ] as const)('%s: at most 12 percent off on average', (pass, column) => {
    const errors = MEASURED.map((row) => {
      const [cell, hidden, batch, timeSteps] = row;
      return Math.abs((seconds({ cell, hidden, batch, timeSteps, pass }) * 1e6) / row[column] - 1);
    });
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.12);
  });
});
