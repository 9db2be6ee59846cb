import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import type { Kernel } from '../../src/models/gpu/kernel.ts';
import { fastest } from '../../src/models/gpu/lower/choose.ts';
import { convCandidates } from '../../src/models/gpu/lower/conv.ts';
import type { Convolution } from '../../src/models/gpu/lower/convolution.ts';
import { type GpuSpec, gpuSpec } from '../../src/models/gpu/spec.ts';
import { blocksPerSm } from '../../src/models/gpu/units/occupancy.ts';

const spec = loadMachine('v100', [], { gpu: gpuSpec }).spec as GpuSpec;
const p100 = loadMachine('p100', [], { gpu: gpuSpec }).spec as GpuSpec;

/** 16 images of 28 x 28 x 128, 128 filters of 3 x 3, on tensor cores. */
const BASE: Convolution = {
  name: 'conv',
  pass: 'forward',
  n: 16,
  c: 128,
  h: 28,
  w: 28,
  k: 128,
  r: 3,
  s: 3,
  p: 28,
  q: 28,
  stride: [1, 1],
  dilation: [1, 1],
  padding: [1, 1],
  groups: 1,
  layout: 'NHWC',
  precision: 'fp16',
  operandBytes: 2,
  resultBytes: 2,
  tensorOnly: true,
  warm: false,
};

const named = (conv: Convolution, part: string) =>
  convCandidates(spec, conv)
    .flat()
    .filter(({ name }) => name.includes(part));
const kernelNames = (conv: Convolution): string[] =>
  fastest(spec, convCandidates(spec, conv), new Map()).kernels.map(({ kernel }) => kernel.name);

describe('implicit GEMM on tensor cores', () => {
  test('a main-loop step belongs to one tap: 8 channels take as many steps as 32, 40 twice as many', () => {
    // 128 x 128 tiles: 12,544 pixels are 98 tiles; 9 taps of one or two steps of 32.
    for (const [c, steps] of [
      [8, 9],
      [32, 9],
      [40, 18],
    ] as const) {
      const whole = named({ ...BASE, c }, '128x128x32').find(({ name }) => !name.includes('slices'))!;
      expect(whole.iterations).toBe(steps);
      expect(whole.blocks).toBe(98);
    }
  });

  test('16 filters do not make narrower tiles', () => {
    const widths = named({ ...BASE, k: 16 }, 'gemm').map(({ name }) => Number(/x(\d+)x/.exec(name)![1]));
    expect(Math.min(...widths)).toBe(64);
  });

  test('the input gradient of stride 2 by a 1 x 1 filter computes one phase in four and stores them all', () => {
    const strided: Convolution = {
      ...BASE,
      pass: 'input-gradient',
      r: 1,
      s: 1,
      padding: [0, 0],
      stride: [2, 2],
      p: 14,
      q: 14,
    };
    const kernel = named(strided, '128x128x32')[0]!;
    // A quarter of 16 x 28 x 28 pixels by 128 channels, 128 filters deep: 25 tiles (the last half empty) of 4 steps.
    expect(kernel.macsDone).toBe(25 * 128 * 128 * 128);
    expect(kernel.resultWriteBytes).toBe(16 * 28 * 28 * 128 * 2);
  });

  test('weight gradients are sliced until SMs have up to two blocks each, and summed up in fp32', () => {
    // 9 taps of 128 channels by 128 filters: 9 tiles, so 16 slices are the last power of two up to 2 x 80 blocks.
    const slices = named({ ...BASE, pass: 'weight-gradient' }, '128x128x32')
      .filter(({ name }) => name.includes('slices'))
      .map(({ blocks, resultWriteBytes }) => [blocks, resultWriteBytes]);
    expect(slices.at(-1)).toEqual([144, 16 * 9 * 128 * 128 * 4]);
  });

  test('a gradient padded beyond its filter runs on plain pipes, a forward pass does not', () => {
    const beyond: Convolution = { ...BASE, r: 1, s: 1, h: 7, w: 7, p: 13, q: 13, padding: [3, 3] };
    expect(kernelNames(beyond).some((name) => name.startsWith('gemm fp16'))).toBe(true);
    const gradient = kernelNames({ ...beyond, pass: 'input-gradient' });
    expect(gradient[0]).toBe('layout of result gradient');
    expect(gradient[1]).toMatch(/^gemm fp32/);
  });

  test('NCHW is converted before and after', () => {
    const names = kernelNames({ ...BASE, layout: 'NCHW' });
    expect(names[0]).toBe('layout of input');
    expect(names.at(-1)).toBe('layout of result');
  });

  test('few results at stride 2 are sliced by a library that may choose, not by the kernel that DeepBench names', () => {
    // 7 x 7 results of one image and 512 filters: 4 blocks of 128 x 128, each with 144 steps of 32. Up to 16 slices keep
    // four steps and SMs to themselves: 64 blocks.
    const last: Convolution = { ...BASE, n: 1, c: 512, h: 14, w: 14, k: 512, p: 7, q: 7, stride: [2, 2] };
    const blocks = (tensorOnly: boolean): number[] =>
      convCandidates(spec, { ...last, tensorOnly }).flatMap((kernels) =>
        kernels.filter(({ name }) => name.includes('128x128x32')).map((kernel) => kernel.blocks),
      );
    expect(blocks(true)).toEqual([4]);
    expect(blocks(false)).toEqual([4, 8, 16, 32, 64]);
  });
});

test('one input channel leaves tensor cores unless the caller insists', () => {
  const first: Convolution = {
    ...BASE,
    c: 8,
    h: 161,
    w: 700,
    k: 32,
    r: 5,
    s: 20,
    stride: [2, 2],
    padding: [0, 0],
    p: 79,
    q: 341,
  };
  expect(kernelNames(first).some((name) => name.startsWith('gemm fp16'))).toBe(true);
  const free = fastest(spec, convCandidates(spec, { ...first, c: 1, tensorOnly: false }), new Map());
  const insisting = fastest(spec, convCandidates(spec, { ...first, c: 1 }), new Map());
  // DeepBench measured 8 images at 1015 us in fp16 by tensor cores and 135 us in fp32.
  expect(insisting.seconds / free.seconds).toBeGreaterThan(3);
});

describe('plain pipes', () => {
  const FP32 = { precision: 'fp32', operandBytes: 4, resultBytes: 4, layout: 'NCHW' } as const;

  test('Winograd takes 36 products for 16 results of 3 x 3 filters', () => {
    // 28 x 28 results are 49 tiles of 4 x 4 an image: 784 tiles by 128 filters by 128 channels at 36 positions,
    // in 128 x 128 blocks.
    const wide = convCandidates(spec, { ...BASE, ...FP32 }).filter(([first]) => first!.name.startsWith('winograd'));
    const product = wide.flat().find(({ name }) => name === 'gemm fp32 128x128x8')!;
    // The rows of the last of seven blocks are half empty.
    expect(product.macsDone).toBe(36 * (7 * 128) * 128 * 128);
    expect(product.blocks).toBe(36 * 7);
    const withProduct = wide.find((kernels) => kernels.includes(product))!;
    expect(withProduct.map(({ name }) => name).filter((name) => name.startsWith('winograd'))).toHaveLength(3);
  });

  test('fused Winograd: blocks of 32 tiles of 2 x 2 results by 32 filters at 16 positions', () => {
    // 28 x 28 results are 196 tiles of 2 x 2 an image: 3,136 tiles are 98 blocks, 128 filters are 4.
    const [filters, kernel] = convCandidates(spec, { ...BASE, ...FP32 }).find((kernels) =>
      kernels.some(({ name }) => name === 'winograd fp32 128x128'),
    )!;
    expect(filters!.name).toBe('winograd transform of filters');
    expect(filters!.resultWriteBytes).toBe(128 * 128 * 16 * 4);
    expect(kernel!.blocks).toBe(98 * 4);
    expect(kernel!.macsDone).toBe(16 * 3136 * 128 * 128);
    expect(kernel!.resultWriteBytes).toBe(16 * 28 * 28 * 128 * 4);
    // Shared memory of a P100 SM, 64 KiB, has room for one.
    expect(blocksPerSm(p100, kernel!)).toBe(1);
    // 8 channels of 16 positions of 32 filters, and of a quarter of the positions of 32 tiles, 16 iterations a block.
    expect(kernel!.loadBytes).toBe(98 * 4 * 16 * (16 * 32 + 4 * 32) * 8 * 4);
  });

  test('where sums are in half precision, Winograd is for 3 x 3 filters and not fused, and nothing is transformed by Fourier', () => {
    const half = { precision: 'fp16', operandBytes: 2, resultBytes: 2, layout: 'NCHW' } as const;
    const names = (conv: Convolution) =>
      new Set(
        convCandidates(p100, conv)
          .flat()
          .map(({ name }) => name),
      );
    const three = names({ ...BASE, ...half });
    expect(three.has('winograd transform of left')).toBe(true);
    expect([...three].filter((name) => name.startsWith('winograd fp16') || name.startsWith('fft'))).toEqual([]);
    const five = names({ ...BASE, ...half, r: 5, s: 5, padding: [2, 2] });
    expect([...five].filter((name) => /winograd|fft/.test(name))).toEqual([]);
  });

  test('Winograd is not offered for strides, dilation, groups, other filters and integers', () => {
    const others: readonly Partial<Convolution>[] = [
      { stride: [2, 2], p: 14, q: 14 },
      { dilation: [2, 2], padding: [2, 2] },
      { groups: 2 },
      { r: 7, s: 7 },
      { r: 1, s: 3 },
      { operandBytes: 1 },
    ];
    for (const other of others) expect(named({ ...BASE, ...FP32, ...other }, 'winograd')).toEqual([]);
  });

  test('tiles are as wide as the machine file says, narrower only for fewer columns', () => {
    const widths = (k: number, columns: number): Set<number> => {
      const machine = { ...spec, library: { ...spec.library, convTileColumns: columns } };
      const implicit = convCandidates(machine, { ...BASE, ...FP32, k, stride: [2, 2], p: 14, q: 14 });
      return new Set(implicit.map(([kernel]) => Number(/\d+x(\d+)x\d+/.exec(kernel!.name)![1])));
    };
    expect(widths(256, 32)).toEqual(new Set([32, 64, 128]));
    expect(widths(256, 64)).toEqual(new Set([64, 128]));
    expect(widths(256, 128)).toEqual(new Set([128]));
    expect(widths(48, 128)).toEqual(new Set([64, 128]));
    expect(widths(16, 128)).toEqual(new Set([32, 64, 128]));
  });

  test('the input gradient of stride 2 by a 1 x 1 filter writes zeros first and computes one phase in four', () => {
    const one: Convolution = {
      ...BASE,
      ...FP32,
      pass: 'input-gradient',
      r: 1,
      s: 1,
      padding: [0, 0],
      stride: [2, 2],
      p: 14,
      q: 14,
    };
    const inTiles = (conv: Convolution) =>
      convCandidates(spec, conv).find((kernels) => kernels.at(-1)!.name === 'gemm fp32 128x128x8')!;
    const [zeros, product] = inTiles(one);
    expect([zeros!.name, zeros!.loadBytes, zeros!.resultWriteBytes]).toEqual(['zeros', 0, 16 * 28 * 28 * 128 * 4]);
    // 3136 results in 25 blocks of 128, one product for each of 128 channels and 128 filters.
    expect(product!.macsDone).toBe(25 * 128 * 128 * 128);
    // Beyond the filter zeros are multiplied: every input, by every filter.
    const beyond = inTiles({ ...one, h: 7, w: 7, padding: [3, 3], p: 7, q: 7 });
    expect(beyond).toHaveLength(1);
    // 784 inputs in 7 blocks.
    expect(beyond[0]!.macsDone).toBe(7 * 128 * 128 * 128);
  });

  test('few channels waste nothing: taps and channels are one dimension', () => {
    // 3 channels of 7 x 7 taps: 147 products, 19 steps of 8.
    const kernel = named({ ...BASE, ...FP32, c: 3, r: 7, s: 7 }, '128x128x8')[0]!;
    expect(kernel.iterations).toBe(19);
  });

  test("an image's first layer is a product like others", () => {
    const first: Convolution = { ...BASE, ...FP32, c: 3, h: 224, w: 224, p: 224, q: 224, k: 64 };
    expect(named(first, 'direct')).toEqual([]);
    // DeepBench measured 330 us; each pixel and filter by itself, bound by memory, would take 130.
    const us = fastest(spec, convCandidates(spec, { ...first, warm: true }), new Map()).seconds * 1e6;
    expect(us).toBeGreaterThan(250);
    expect(us).toBeLessThan(600);
  });

  test('depthwise convolutions run directly and are bound by memory', () => {
    const depthwise: Convolution = { ...BASE, n: 64, c: 256, k: 256, groups: 256, tensorOnly: false };
    const { kernels, seconds } = fastest(spec, convCandidates(spec, depthwise), new Map());
    expect(kernels.map(({ kernel }) => kernel.name)).toEqual(['direct fp16']);
    // Input and result, 25.7 MB each, at 900 GB/s take 57 us.
    expect(seconds).toBeGreaterThan(57e-6);
    expect(seconds).toBeLessThan(2 * 57e-6);
  });
});

describe('input gradients added up in place', () => {
  const FP32 = { precision: 'fp32', operandBytes: 4, resultBytes: 4, layout: 'NCHW', pass: 'input-gradient' } as const;
  const STRIDED: Convolution = { ...BASE, ...FP32, stride: [2, 2], p: 14, q: 14 };

  test('multiply all taps of all channels by all results, after zeros', () => {
    const [[zeros, product], ...others] = convCandidates(p100, STRIDED) as [Kernel[], ...Kernel[][]];
    expect(others).toEqual([]);
    expect([zeros!.name, zeros!.resultWriteBytes]).toEqual(['zeros', 16 * 28 * 28 * 128 * 4]);
    // 9 taps of 128 channels are 18 tiles of 64, 16 x 14 x 14 results are 98 of 32; each block has 64 x 32 sums to add.
    expect(product!.name).toBe('scattered gemm fp32 64x32x8');
    expect(product!.blocks).toBe(18 * 98);
    expect(product!.macsDone).toBe(16 * 14 * 14 * 9 * 128 * 128);
    expect(product!.resultWriteBytes).toBe(9 * 128 * 16 * 14 * 14 * 4);
  });

  test('cannot end before the adders of L2 have taken every sum', () => {
    // 32 filters: 64 operations a sum, so that adders and not the pipes are the limit. 90 blocks to an SM.
    const conv: Convolution = { ...STRIDED, k: 32, n: 64 };
    const adds = 9 * 128 * 64 * 14 * 14;
    const seconds = (rate: number): number => {
      const machine = loadMachine('p100', [`library.scatter.addsPerCycle=${rate}`], { gpu: gpuSpec }).spec as GpuSpec;
      return fastest(machine, convCandidates(machine, conv), new Map()).seconds;
    };
    expect(seconds(10)).toBeGreaterThan(adds / 10 / 1.303e9);
    // Ten times the rate saves what nine tenths of the adds took, to the rounding of rates.
    const saved = (adds * 0.9) / 10 / 1.303e9;
    expect((seconds(10) - seconds(100)) / saved).toBeGreaterThan(0.9);
    expect((seconds(10) - seconds(100)) / saved).toBeLessThan(1.1);
  });

  test('are one way among others where results lie side by side, and not there without a scattering library', () => {
    const names = (machine: GpuSpec, conv: Convolution) =>
      convCandidates(machine, conv).map((kernels) => kernels.find(({ macsDone }) => macsDone > 0)!.name);
    const dense: Convolution = { ...BASE, ...FP32 };
    expect(names(p100, dense).some((name) => name.startsWith('scattered'))).toBe(true);
    expect(names(p100, dense).some((name) => name.startsWith('gemm'))).toBe(true);
    expect(names(spec, STRIDED).some((name) => name.startsWith('scattered'))).toBe(false);
  });
});

/** DeepBench, P100 with cuDNN 6: input gradients in fp32, microseconds. */
const SCATTERED: readonly (readonly [string, Partial<Convolution>, number])[] = [
  [
    '20 x 5 taps of one channel',
    { n: 8, c: 1, h: 161, w: 700, k: 32, r: 5, s: 20, padding: [0, 0], p: 79, q: 341 },
    832,
  ],
  ['10 x 5 taps', { n: 32, c: 32, h: 79, w: 341, k: 32, r: 5, s: 10, padding: [0, 0], p: 38, q: 166 }, 11484],
  ['padded beyond 1 x 1', { n: 16, c: 2048, h: 7, w: 7, k: 512, r: 1, s: 1, padding: [3, 3], p: 7, q: 7 }, 442],
];

test.each(SCATTERED)('scattered on P100: %s within 20 %%', (_, shape, measuredUs) => {
  const plain = { precision: 'fp32', operandBytes: 4, resultBytes: 4, layout: 'NCHW', stride: [2, 2] } as const;
  const conv: Convolution = { ...BASE, ...plain, ...shape, pass: 'input-gradient', warm: true };
  const us = fastest(p100, convCandidates(p100, conv), new Map()).seconds * 1e6;
  expect(Math.abs(us / measuredUs - 1)).toBeLessThan(0.2);
});

/** DeepBench (Baidu Research, Apache-2.0), training set, V100 with cuDNN 7.6.2: microseconds. */
const MEASURED: readonly (readonly [string, Partial<Convolution>, number])[] = [
  ['28x28x128, 3x3', {}, 63],
  ['28x28x256 to 512, 3x3', { c: 256, k: 512 }, 310],
  ['224x224x8 to 64, 3x3', { h: 224, w: 224, p: 224, q: 224, c: 8, k: 64 }, 405],
  ['input gradient of 28x28x128, 3x3', { pass: 'input-gradient' }, 67],
  ['input gradient of 28x28x256 to 512, 3x3', { pass: 'input-gradient', c: 256, k: 512 }, 378],
  ['weight gradient of 28x28x256 to 512, 3x3', { pass: 'weight-gradient', c: 256, k: 512 }, 330],
  ['weight gradient of 14x14x256, 3x3', { pass: 'weight-gradient', c: 256, k: 256, h: 14, w: 14, p: 14, q: 14 }, 66],
];

describe('against measurements', () => {
  test.each(MEASURED)('%s comes within 20 %%', (_, difference, measuredUs) => {
    const conv: Convolution = { ...BASE, ...difference, precision: 'fp16+fp32', warm: true };
    const us = fastest(spec, convCandidates(spec, conv), new Map()).seconds * 1e6;
    expect(Math.abs(us / measuredUs - 1)).toBeLessThan(0.2);
  });
});

describe('bounds that hold for every convolution', () => {
  const sizes = fc.record({
    pass: fc.constantFrom('forward' as const, 'input-gradient' as const, 'weight-gradient' as const),
    n: fc.integer({ min: 1, max: 32 }),
    c: fc.integer({ min: 1, max: 300 }),
    k: fc.integer({ min: 1, max: 300 }),
    size: fc.integer({ min: 5, max: 60 }),
    filter: fc.constantFrom(1, 3, 5),
    step: fc.constantFrom(1, 2),
    warm: fc.boolean(),
  });

  test('no candidate multiplies faster than the tensor cores, and none writes less than its result', () => {
    fc.assert(
      fc.property(sizes, ({ pass, n, c, k, size, filter, step, warm }) => {
        const out = Math.ceil(size / step);
        const conv: Convolution = {
          ...BASE,
          ...{ pass, n, c, k, warm, h: size, w: size, r: filter, s: filter, p: out, q: out },
          ...{ stride: [step, step], padding: [(filter - 1) / 2, (filter - 1) / 2] },
        };
        const macs = n * c * k * filter ** 2 * out ** 2;
        const results = {
          forward: n * k * out ** 2,
          'input-gradient': n * c * size ** 2,
          'weight-gradient': k * c * filter ** 2,
        }[pass];
        const { kernels, seconds } = fastest(spec, convCandidates(spec, conv), new Map());
        // 80 SMs of 512 multiply-adds a cycle at 1.53 GHz.
        expect(seconds).toBeGreaterThan(macs / (80 * 512 * 1.53e9));
        expect(kernels.reduce((sum, { kernel }) => sum + kernel.resultWriteBytes, 0)).toBeGreaterThanOrEqual(
          results * 2,
        );
      }),
      { seed: 4, numRuns: 25 },
    );
  });
});
