import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { fastest } from '../../src/models/gpu/lower/choose.ts';
import { convCandidates } from '../../src/models/gpu/lower/conv.ts';
import type { Convolution } from '../../src/models/gpu/lower/convolution.ts';
import { fftCandidates } from '../../src/models/gpu/lower/fft.ts';
import { type GpuSpec, gpuSpec } from '../../src/models/gpu/spec.ts';

const machine = (sets: readonly string[] = []): GpuSpec => loadMachine('v100', sets, { gpu: gpuSpec }).spec as GpuSpec;
const spec = machine();

/** 64 images of 56 x 56 x 64, 32 filters of 5 x 5, in single precision: sizes that fill tiles of 64 x 64. */
const BASE: Convolution = {
  name: 'conv',
  pass: 'forward',
  n: 64,
  c: 64,
  h: 56,
  w: 56,
  k: 32,
  r: 5,
  s: 5,
  p: 56,
  q: 56,
  stride: [1, 1],
  dilation: [1, 1],
  padding: [2, 2],
  groups: 1,
  layout: 'NCHW',
  precision: 'fp32',
  operandBytes: 4,
  resultBytes: 4,
  tensorOnly: false,
  warm: false,
};

/** The products of complex numbers at all frequencies by tiles of 64 x 64, by the bytes of the transformed left operand. */
const products = (conv: Convolution, machineSpec = spec) =>
  new Map(
    fftCandidates(machineSpec, conv).flatMap((kernels) => {
      const product = kernels.find(({ name }) => name === 'gemm fp32 64x64x8');
      return product === undefined ? [] : [[kernels[0]!.resultWriteBytes, product] as const];
    }),
  );

describe('Fourier transforms', () => {
  test('transform both operands, bring frequencies together, multiply, and the way back', () => {
    expect(fftCandidates(spec, BASE)[0]!.map(({ name }) => name.replace(/\d+x\d+x\d+/, 'tile'))).toEqual([
      'fft transform of left',
      'fft transposition of left',
      'fft transform of right',
      'fft transposition of right',
      'gemm fp32 tile',
      'fft transposition of result',
      'fft transform of result',
    ]);
  });

  test('tiles of 32 x 32 give 28 x 28 results of a 5 x 5 filter; images of 60 x 60 with padding become 64 x 64', () => {
    // In tiles: 32 x 17 frequencies, 2 x 2 tiles in each of 64 images; whole: 64 x 33 frequencies, one tile an image.
    // 8 bytes a complex value of 64 channels; 4 real multiply-adds a complex one, of 64 channels and 32 filters.
    const [tiled, whole] = [544 * 256 * 64 * 8, 2112 * 64 * 64 * 8];
    const found = products(BASE);
    expect([...found.keys()]).toEqual([tiled, whole]);
    expect(found.get(tiled)!.macsDone).toBe(544 * 256 * 64 * 32 * 4);
    expect(found.get(whole)!.macsDone).toBe(2112 * 64 * 64 * 32 * 4);
  });

  test('gradients multiply as many numbers as the forward pass', () => {
    for (const pass of ['input-gradient', 'weight-gradient'] as const) {
      const macs = [...products({ ...BASE, pass }).values()].map((product) => product.macsDone);
      expect(new Set(macs)).toEqual(new Set([544 * 256 * 64 * 32 * 4, 2112 * 64 * 64 * 32 * 4]));
    }
  });

  test('a filter of one row is transformed along the columns, 256 at a time', () => {
    // 1 x 7 filters leave 250 results of a tile, and 129 of 256 frequencies: 56 tiles in each of 64 images.
    const flat: Convolution = { ...BASE, r: 1, s: 7, padding: [0, 3] };
    const macs = [...products(flat).values()].map((product) => product.macsDone);
    expect(macs).toContain(129 * 64 * 56 * 64 * 32 * 4);
  });

  test('are not offered where cuDNN has none', () => {
    const others: readonly Partial<Convolution>[] = [
      { stride: [2, 2], p: 28, q: 28 },
      { dilation: [2, 2] },
      { groups: 2 },
      { r: 1, s: 1, padding: [0, 0] },
      { padding: [5, 5], p: 62, q: 62 },
      { operandBytes: 1 },
    ];
    for (const other of others) expect(fftCandidates(spec, { ...BASE, ...other })).toEqual([]);
    // Filters beyond a tile, and images beyond 256, leave one of the two ways.
    expect(products({ ...BASE, r: 33, s: 33, padding: [16, 16] }).size).toBe(1);
    expect(products({ ...BASE, h: 300, w: 300, p: 300, q: 300 }).size).toBe(1);
  });

  test('are refused where their workspace does not fit', () => {
    // Whole images of 256 x 256 with 2048 channels: 256 x 129 frequencies of 2048 x 2048 filters alone are 1.1 TB.
    const wide: Convolution = { ...BASE, c: 2048, k: 2048, h: 240, w: 240, p: 240, q: 240 };
    expect(products(wide).size).toBe(0);
    // In tiles: 544 frequencies of 512 x 512 filters, 8 bytes each, are 1.06 GiB.
    const middle: Convolution = { ...BASE, c: 512, k: 512 };
    expect(products(middle, machine(['memory.sizeGiB=1'])).size).toBe(0);
    expect(products(middle, machine(['memory.sizeGiB=16'])).size).toBe(2);
  });

  test('win where filters are large: 11 x 11 in less time than direct products need at the peak', () => {
    const large: Convolution = { ...BASE, n: 32, c: 64, k: 64, r: 11, s: 11, padding: [5, 5] };
    const { kernels, seconds } = fastest(spec, convCandidates(spec, large), new Map());
    expect(kernels[0]!.kernel.name).toBe('fft transform of left');
    // 80 SMs of 64 multiply-adds a cycle at 1.53 GHz.
    expect(seconds).toBeLessThan((32 * 64 * 64 * 121 * 56 * 56) / (80 * 64 * 1.53e9));
  });

  test('move every tensor once, whatever the sizes', () => {
    const sizes = fc.record({
      pass: fc.constantFrom('forward' as const, 'input-gradient' as const, 'weight-gradient' as const),
      n: fc.integer({ min: 1, max: 16 }),
      c: fc.integer({ min: 1, max: 64 }),
      k: fc.integer({ min: 1, max: 64 }),
      size: fc.integer({ min: 12, max: 100 }),
      filter: fc.constantFrom(3, 5, 7, 11),
    });
    fc.assert(
      fc.property(sizes, ({ pass, n, c, k, size, filter }) => {
        const reach = (filter - 1) / 2;
        const shape = { n, c, k, h: size, w: size, p: size, q: size, r: filter, s: filter };
        const conv: Convolution = { ...BASE, ...shape, pass, padding: [reach, reach] };
        for (const kernels of fftCandidates(spec, conv)) {
          const result = { forward: n * k, 'input-gradient': n * c, 'weight-gradient': 0 }[pass] * size ** 2;
          expect(kernels.at(-1)!.resultWriteBytes).toBeCloseTo(
            4 * (pass === 'weight-gradient' ? c * k * filter ** 2 : result),
            3,
          );
          // Both operands are read once by their transforms.
          expect(kernels[0]!.loadBytes + kernels[2]!.loadBytes + kernels.at(-1)!.resultWriteBytes).toBeCloseTo(
            4 * (n * (c + k) * size ** 2 + c * k * filter ** 2),
            3,
          );
        }
      }),
      { seed: 4, numRuns: 25 },
    );
  });
});
