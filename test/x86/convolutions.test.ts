import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataPath } from '../../src/files.ts';
import { loadMachine } from '../../src/machine/load.ts';
import { convCycles, convMacs, type ConvShape } from '../../src/models/x86/conv-cycles.ts';
import { pointKernel, rowKernel } from '../../src/models/x86/lower/conv-library.ts';
import { type ConvLoops, convLoops, metAt, metShare } from '../../src/models/x86/lower/convolution.ts';
import type { TileMath } from '../../src/models/x86/lower/gemm-code.ts';
import { pipelineOf } from '../../src/models/x86/units/pipeline.ts';
import { loadModel, SCHEMAS } from '../../src/models/registry.ts';
import type { Report } from '../../src/report/report.ts';
import { simulate } from '../../src/simulate.ts';
import { validateAgainst } from '../../src/validate/against.ts';
import { loadX86Kernels } from '../../src/validate/x86-kernels.ts';
import { loadTrace } from '../../src/workload/load.ts';
import { loadCore } from '../../src/x86-core.ts';

const AVX512: TileMath = { set: 'avx512', bits: 512, format: 'fp32', dotProducts: false };
const AVX2: TileMath = { ...AVX512, set: 'avx2', bits: 256 };
const SKYLAKE = { lanes: 16, cores: 1, l1Bytes: 32 * 1024, l2Bytes: 1024 * 1024 };

function square(n: number, c: number, size: number, k: number, r: number, stride = 1, pad = 0): ConvShape {
  return { n, c, h: size, w: size, k, r, s: r, stride, pad };
}

function loops({ stride, pad, ...sizes }: ConvShape): ConvLoops {
  const result = (size: number, filter: number): number => Math.floor((size + 2 * pad - filter) / stride) + 1;
  return convLoops({
    ...sizes,
    p: result(sizes.h, sizes.r),
    q: result(sizes.w, sizes.s),
    phase: 'forward',
    stride: [stride, stride],
    padding: [pad, pad, pad, pad],
    dilation: [1, 1],
    groups: 1,
    transposed: false,
  });
}

describe('zeros of padding', () => {
  it('of 7 positions with 3 taps and one zero on each side, 19 pairs of 21 meet data', () => {
    const axis = { positions: 7, operand: 7, taps: 3, stride: 1, dilation: 1, padding: 1 };
    expect([0, 1, 2].map((tap) => metAt(axis, tap, 0, 7))).toEqual([6, 7, 6]);
    expect(metShare(axis)).toBeCloseTo(19 / 21, 12);
    // The first three positions: the left tap misses one.
    expect(metAt(axis, 0, 0, 3)).toBe(2);
    expect(metAt(axis, 2, 4, 3)).toBe(2);
  });

  it('strides and dilations: 224 -> 112 by 7 taps with stride 2 and 3 zeros', () => {
    const axis = { positions: 112, operand: 224, taps: 7, stride: 2, dilation: 1, padding: 3 };
    // Taps 0, 1, 2 start at -3, -2, -1: they miss 2, 1, 1 positions; 2 x 111 + tap - 3 <= 223 misses tap 5 and 6 once.
    expect([0, 1, 2, 3, 4, 5, 6].map((tap) => metAt(axis, tap, 0, 112))).toEqual([110, 111, 111, 112, 112, 111, 111]);
    expect(metAt({ ...axis, positions: 5, operand: 5, taps: 3, stride: 1, dilation: 2, padding: 2 }, 0, 0, 5)).toBe(3);
  });

  it('agrees with trying every pair', () => {
    const small = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(
        small,
        small,
        small,
        small,
        fc.integer({ min: 0, max: 4 }),
        (operand, tap, stride, dilation, padding) => {
          const axis = { positions: 12, operand, taps: 10, stride, dilation, padding };
          let met = 0;
          for (let position = 3; position < 9; position += 1) {
            const at = position * stride + tap * dilation - padding;
            if (at >= 0 && at < operand) met += 1;
          }
          expect(metAt(axis, tap, 3, 6)).toBe(met);
        },
      ),
      { seed: 21, numRuns: 400 },
    );
  });
});

describe('kernels that oneDNN picks', () => {
  it('one tap, AVX-512: positions that divide a row, vectors that registers leave', () => {
    // 28 rows: 9 and 8 do not divide 28, 7 does: three vectors; 512 / 16 = 32 vectors are ten threes and a two.
    const wide = pointKernel(loops(square(1, 128, 28, 512, 1)), AVX512, SKYLAKE);
    expect(wide.tile).toEqual({ vectors: 3, positions: 7, embedded: false });
    expect(wide.heights).toEqual([
      { size: 3, count: 10 },
      { size: 2, count: 1 },
    ]);
    // 256 channels: 16 vectors would end in 3 and 1, and end in 2 and 2.
    expect(pointKernel(loops(square(1, 64, 56, 256, 1)), AVX512, SKYLAKE).heights).toEqual([
      { size: 3, count: 4 },
      { size: 2, count: 2 },
    ]);
    // 7 x 7: fewer than 14 rows, so what divides 49; reductions by 256.
    const small = pointKernel(loops(square(1, 2048, 7, 512, 1)), AVX512, SKYLAKE);
    expect([small.tile.positions, small.depthBlock, small.depthOutside]).toEqual([7, 256, true]);
    // 14 rows and at most 256 channels: reductions by 80.
    expect(pointKernel(loops(square(1, 1024, 14, 256, 1)), AVX512, SKYLAKE).depthBlock).toBe(80);
    // One image on 28 cores: multiply-adds repeat elements themselves, 28 positions of 28 rows.
    const shared = pointKernel(loops(square(1, 128, 28, 512, 1)), AVX512, { ...SKYLAKE, cores: 28 });
    expect(shared.tile).toEqual({ vectors: 1, positions: 28, embedded: true });
  });

  it('one tap, AVX2: three vectors x four positions; four vectors are two and two', () => {
    const kernel = pointKernel(loops(square(1, 64, 28, 32, 1)), AVX2, { ...SKYLAKE, lanes: 8 });
    expect(kernel.tile).toEqual({ vectors: 3, positions: 4, embedded: false });
    expect(kernel.heights).toEqual([{ size: 2, count: 2 }]);
  });

  it.each([
    // One image: a row of at most 28 results with a vector of channels.
    [square(1, 512, 7, 512, 3, 1, 1), AVX512, 1, 7, true],
    [square(1, 256, 28, 256, 3, 1, 1), AVX512, 1, 28, true],
    // Longer rows of many channels: four vectors of six.
    [square(1, 128, 112, 128, 3, 1, 1), AVX512, 4, 6, false],
    // Several images of 7 x 7: two vectors, so that sums do not wait for each other.
    [square(4, 512, 7, 512, 3, 1, 1), AVX512, 2, 7, true],
    [square(4, 64, 56, 64, 3, 1, 1), AVX512, 4, 6, false],
    // Filters of more than three columns always repeat by themselves.
    [square(4, 64, 56, 64, 5, 1, 2), AVX512, 1, 28, true],
    [square(1, 64, 56, 64, 3, 1, 1), AVX2, 4, 3, false],
  ] as const)('several taps: %o', (shape, math, vectors, positions, embedded) => {
    const lanes = math.bits / 32;
    expect(rowKernel(loops(shape), math, { ...SKYLAKE, lanes }).tile).toEqual({ vectors, positions, embedded });
  });
});

describe('direct convolutions on one core', () => {
  const core = loadCore('xeon-8180', []);
  const pipeline = pipelineOf(core);
  const system = core.spec.system!;
  const share = (shape: ConvShape): number => convMacs(shape) / 32 / convCycles(system, pipeline, shape);

  it('run at 68 to 97 % of peak, as the authors of oneDNN report of one core of this CPU', () => {
    // github.com/uxlfoundation/oneDNN, number 1115; layers of ResNet-18 and the like, one image. Zeros of padding count as work.
    for (const shape of [
      square(1, 64, 56, 64, 3, 1, 1),
      square(1, 128, 28, 128, 3, 1, 1),
      square(1, 256, 14, 256, 3, 1, 1),
      square(1, 512, 7, 512, 3, 1, 1),
      square(1, 64, 112, 128, 3, 1, 1),
      square(1, 256, 56, 64, 1),
      square(1, 512, 28, 128, 1),
      square(1, 1024, 14, 512, 1),
    ]) {
      expect(share(shape), JSON.stringify(shape)).toBeGreaterThan(0.65);
      expect(share(shape), JSON.stringify(shape)).toBeLessThan(0.98);
    }
  });

  it('weights of one tap that do not stay in the first level cost a fifth', () => {
    // Three vectors of 128 channels are 24 KiB, of 512 channels 96 KiB.
    const near = share(square(1, 128, 28, 512, 1));
    const far = share(square(1, 512, 28, 512, 1));
    expect(near / far).toBeGreaterThan(1.1);
    expect(near / far).toBeLessThan(1.4);
  });

  it('seven sums wait for each other: 4 cycles a step where multiply-adds take 3.5', () => {
    const seven = share(square(1, 64, 7, 64, 3, 1, 1));
    const fourteen = share(square(1, 64, 14, 64, 3, 1, 1));
    // Of 7 x 7 results 19 / 21 of the rows of taps are computed: 7 / 8 of peak, with zeros 7 / 8 x 21 / 19 = 0.97 at most.
    expect(seven).toBeLessThan((7 / 8) * (21 / 19));
    expect(fourteen).toBeGreaterThan(seven);
  });

  it('no convolution is faster than the products it does', () => {
    const shape = fc.record({
      n: fc.integer({ min: 1, max: 3 }),
      c: fc.integer({ min: 1, max: 96 }),
      h: fc.integer({ min: 7, max: 40 }),
      w: fc.integer({ min: 7, max: 40 }),
      k: fc.integer({ min: 1, max: 96 }),
      r: fc.constantFrom(1, 2, 3, 5),
      s: fc.constantFrom(1, 3, 7),
      stride: fc.constantFrom(1, 2),
      pad: fc.constantFrom(0, 1),
    });
    fc.assert(
      fc.property(shape, (one) => {
        const { rowAxis, columnAxis } = loops(one);
        const met = metShare(rowAxis) * metShare(columnAxis);
        expect(convCycles(system, pipeline, one)).toBeGreaterThanOrEqual((met * convMacs(one)) / 32);
      }),
      { seed: 31, numRuns: 40 },
    );
  });
});

describe('oneDNN 2.6.3 as measured', () => {
  const text = readFileSync(dataPath('reports', 'anchors', 'x86_conv.csv'), 'utf8');
  beforeAll(loadX86Kernels);

  it('38 convolutions on a Zen 3 core: share of peak to 5 points on average, none off by more than 12', () => {
    const { rows } = validateAgainst(text, 'x86_conv.csv', undefined);
    expect(rows).toHaveLength(38);
    const shapes = text.trim().split('\n').slice(1);
    const points = rows.map(({ measured, predicted }, index) => {
      const [n, c, h, w, k, r, s, stride, pad] = shapes[index]!.split(',').map(Number) as number[];
      const macs = convMacs({ n: n!, c: c!, h: h!, w: w!, k: k!, r: r!, s: s!, stride: stride!, pad: pad! });
      return Math.abs(macs / 16 / predicted - macs / 16 / measured) * 100;
    });
    expect(points.reduce((sum, one) => sum + one, 0) / points.length).toBeLessThan(5);
    expect(Math.max(...points)).toBeLessThan(12);
  });

  it.each([
    ['0,64,7,7,64,3,3,1,1,100', /row 1: n/],
    ['1,64,7,7,64,3,3,1,-1,100', /row 1: pad/],
    ['1,64,2,2,64,5,5,1,1,100', /filters that fit/],
    ['1,64,7,7,64,3,3,1,1,x', /row 1: cycles/],
  ])('refuses %s', (row, message) => {
    expect(() => validateAgainst(`n,c,h,w,k,r,s,stride,pad,cycles\n${row}\n`, 'bad.csv', undefined)).toThrow(message);
  });

  it('refuses vectors that there are not, and reads caches', () => {
    const head = 'n,c,h,w,k,r,s,stride,pad,cycles,vectors,l2_kib\n';
    expect(() => validateAgainst(`${head}1,64,7,7,64,3,3,1,1,100,neon,512\n`, 'bad.csv', undefined)).toThrow(/avx512/);
    const at = (l2: number): number =>
      validateAgainst(`${head}1,512,14,14,512,3,3,1,1,100,avx2,${l2}\n`, 'one.csv', undefined).rows[0]!.predicted;
    expect(at(256)).toBeGreaterThan(at(1024));
  });
});

describe('Winograd', () => {
  beforeAll(() => loadModel('x86'));

  function run(
    arch: string,
    kernel: string,
    sets: string[] = [],
    phase: 'inference' | 'training' = 'inference',
  ): Report {
    return simulate(loadMachine(arch, ['system.cores=1', ...sets], SCHEMAS), loadTrace(kernel, { phase }, 'fp32'))
      .report;
  }
  const DIRECT = 'system.winograd.results=[]';
  const KERNEL = 'conv:16,64,56,56,64,3,3,1,1';

  it('does 36 products for each tile of 4 x 4 results, and is busy for these alone', () => {
    const { totals } = run('xeon-8180', KERNEL);
    // 16 images of 14 x 14 tiles, 64 x 64 channels, 32 multiply-adds a cycle.
    expect(totals.activeCycles).toBe((36 * 16 * 14 * 14 * 64 * 64) / 32);
    expect(totals.macs).toBe(16 * 56 * 56 * 64 * 64 * 9);
    const stalls = Object.values(totals.stallCycles).reduce((sum, cycles) => sum + cycles, 0);
    expect(totals.activeCycles + stalls).toBe(totals.cycles);
  });

  it('tiles of 2 x 2 take 16 products for 4 results', () => {
    const { totals } = run('xeon-8180', KERNEL, ['system.winograd.results=[2]']);
    expect(totals.activeCycles).toBe((16 * 16 * 28 * 28 * 64 * 64) / 32);
  });

  it('is 1.3 to 4 times as fast as the direct sum where it is taken, and never slower', () => {
    for (const kernel of [KERNEL, 'conv:16,256,14,14,256,3,3,1,1', 'conv:32,512,7,7,512,3,3,1,1']) {
      const gain = run('xeon-8180', kernel, [DIRECT]).totals.cycles / run('xeon-8180', kernel).totals.cycles;
      expect(gain, kernel).toBeGreaterThan(1.3);
      expect(gain, kernel).toBeLessThan(4);
    }
  });

  it('multiplies less energy away', () => {
    const energyOf = (report: Report): number => report.totals.energyPjByComponent['vectorUnits']!;
    expect(energyOf(run('xeon-8180', KERNEL))).toBeLessThan(0.6 * energyOf(run('xeon-8180', KERNEL, [DIRECT])));
  });

  it.each([
    ['few images', 'conv:15,64,56,56,64,3,3,1,1'],
    ['a stride', 'conv:16,64,56,56,64,3,3,2,1'],
    ['another filter', 'conv:16,64,56,56,64,5,5,1,2'],
    ['groups', 'conv:16,64,56,56,64,3,3,1,1,4'],
    ['fewer channels than lanes', 'conv:16,3,56,56,64,3,3,1,1'],
  ])('is not taken for %s', (_what, kernel) => {
    expect(run('xeon-8180', kernel).totals).toEqual(run('xeon-8180', kernel, [DIRECT]).totals);
  });

  it('nor where the library has none', () => {
    const { totals } = run('haswell-e5-2699v3', KERNEL);
    expect(totals).toEqual(run('haswell-e5-2699v3', KERNEL, ['system.winograd.leastImages=1']).totals);
    expect(run('haswell-e5-2699v3', KERNEL, ['system.winograd.results=[4]']).totals.cycles).toBeLessThan(totals.cycles);
  });

  it('transforms filters anew only while they change', () => {
    const packing = (phase: 'inference' | 'training'): number =>
      run('xeon-8180', 'conv:16,256,14,14,256,3,3,1,1', [], phase).ops[0]!.stallCycles.packing ?? 0;
    // A vector of filters is 54 stores, one a cycle; 256 x 16 vectors of them.
    expect(packing('training') - packing('inference')).toBeGreaterThan(0.9 * 54 * 256 * 16);
  });

  it.each(['system.winograd.results=[3]', 'system.winograd.leastImages=0'])('refuses %s', (set) => {
    expect(() => loadMachine('xeon-8180', [set], SCHEMAS)).toThrow(/system\.winograd/);
  });
});
