import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { accessesOf } from '../../src/models/gpu/count.ts';
import { normKernels } from '../../src/models/gpu/lower/norm.ts';
import { softmaxKernels } from '../../src/models/gpu/lower/softmax.ts';
import { elementwiseKernels } from '../../src/models/gpu/lower/vector.ts';
import { timed } from '../../src/models/gpu/lower/choose.ts';
import { type VectorRow, vectorSeconds } from '../../src/models/gpu/predict/vector.ts';
import { type GpuSpec, gpuSpec } from '../../src/models/gpu/spec.ts';

const machine = (name: string): GpuSpec => loadMachine(name, [], { gpu: gpuSpec }).spec as GpuSpec;
const a100 = machine('a100');
const cache = new Map();

const KERNELS = { softmax: softmaxKernels, norm: normKernels } as const;
const traffic = (op: keyof typeof KERNELS, rows: number, columns: number) =>
  timed(a100, KERNELS[op](a100, { rows, columns, elementBytes: 2, warmBytes: null }), cache).kernels[0]!.timing;

describe('bytes that leave the chip', () => {
  test('a short row is read once', () => {
    // 2^20 rows of 512 values of 2 bytes.
    const { offChipReadBytes, offChipWriteBytes } = traffic('softmax', 2 ** 20, 512);
    expect([offChipReadBytes, offChipWriteBytes]).toEqual([2 ** 30, 2 ** 30]);
  });

  test('a row of which all that run together fit next to an SM is read once', () => {
    // 8 blocks of 256 threads, a row of 8 KiB each, in 164 KiB.
    expect(traffic('norm', 2 ** 17, 4096).offChipReadBytes).toBe(2 ** 30);
  });

  test('rows that together are far larger than L2 are read once a pass', () => {
    // 864 rows of 512 KiB are under way: 432 MiB. Mean, variance, result.
    const read = traffic('norm', 8640, 2 ** 18).offChipReadBytes / (8640 * 2 ** 19);
    expect(read).toBeGreaterThan(2.99);
    expect(read).toBeLessThanOrEqual(3);
  });

  test('what fits in L2 and was there before is not read again', () => {
    const gelu = {
      name: 'gelu',
      elements: 2 ** 22,
      readBytesPerElement: 2,
      writeBytesPerElement: 2,
      aluPerElement: 1,
      sfuPerElement: 0,
    };
    const read = (warmBytes: number | null): number =>
      timed(a100, elementwiseKernels(a100, { ...gelu, warmBytes }), cache).kernels[0]!.timing.offChipReadBytes;
    expect(read(null)).toBe(2 ** 23);
    expect(read(2 ** 24)).toBe(0);
  });
});

test('instructions played as one are counted one by one', () => {
  const bytes = { readBytesPerElement: 2, writeBytesPerElement: 2 };
  const gelu = { name: 'gelu', elements: 2 ** 22, ...bytes, aluPerElement: 8, sfuPerElement: 2, warmBytes: null };
  const [kernel] = timed(a100, elementwiseKernels(a100, gelu), cache).kernels;
  const counted = accessesOf(a100, kernel!, null).find(({ bytes: moved }) => moved === 0)!.count;
  // A thread has 32 elements: ten instructions each, four loads with two for their addresses, four stores, and 50 to start with.
  expect(counted).toBe((2 ** 22 / 32) * (32 * 10 + 4 * 3 + 4 + 50));
});

describe('time', () => {
  test.each(['a100', 'v100', 't4'])('%s: never below what its memory needs', (name) => {
    const spec = machine(name);
    const shapes = fc.record({ rows: fc.integer({ min: 1, max: 5000 }), columns: fc.integer({ min: 1, max: 40_000 }) });
    fc.assert(
      fc.property(shapes, fc.constantFrom('softmax' as const, 'norm' as const), (shape, op) => {
        const { cycles } = timed(spec, KERNELS[op](spec, { ...shape, elementBytes: 2, warmBytes: null }), new Map())
          .kernels[0]!.timing;
        const bytes = 4 * shape.rows * shape.columns;
        expect(cycles / (spec.clockMHz * 1e6)).toBeGreaterThan(bytes / (spec.memory.bandwidthGBps * 1e9));
      }),
      { seed: 4, numRuns: 30 },
    );
  });

  test('one row of a hundred million values comes to an end', () => {
    const { cycles } = traffic('softmax', 1, 1e8);
    // One SM takes at most 64 bytes per cycle, and reads 2 x 1e8 bytes three times.
    expect(cycles).toBeGreaterThan(6e8 / 64);
  });
});

/**
 * LLMCompass's measurements of an A100 (BSD-3-Clause), microseconds of a call with a host timer around it: operation, rows, columns,
 * time.
 */
const MEASURED: readonly (readonly [VectorRow['op'], number, number, number])[] = [
  ['softmax', 4096, 256, 15.3],
  ['softmax', 4096, 2048, 50.1],
  ['softmax', 4096, 16384, 277.3],
  ['softmax', 4096, 32768, 557.2],
  ['softmax', 128, 4096, 16.9],
  ['softmax', 1024, 4096, 30.5],
  ['softmax', 16384, 4096, 271.6],
  ['layernorm', 4096, 32, 52.9],
  ['layernorm', 4096, 2048, 60.3],
  ['layernorm', 4096, 16384, 318.9],
  ['layernorm', 4096, 32768, 673.5],
  ['layernorm', 32, 4096, 52.5],
  ['layernorm', 2048, 4096, 59.1],
  ['layernorm', 16384, 4096, 194.1],
  ['gelu_tanh', 1, 1024, 48.2],
  ['gelu_tanh', 1, 1048576, 47.8],
  ['gelu_tanh', 1, 8388608, 59.1],
  ['gelu_tanh', 1, 16777216, 79.8],
  ['gelu_tanh', 1, 67108864, 204.4],
  ['gelu_tanh', 1, 134217728, 372.6],
];

describe('measured A100 kernels', () => {
  test.each(['softmax', 'layernorm', 'gelu_tanh'])('%s: at most 8 percent off on average', (op) => {
    const errors = MEASURED.filter(([name]) => name === op).map(([name, rows, columns, measuredUs]) =>
      Math.abs((vectorSeconds(a100, { op: name, rows, columns, elementBytes: 2 }, cache) * 1e6) / measuredUs - 1),
    );
    expect(errors.length).toBeGreaterThan(5);
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.08);
  });
});
