import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { gemmCandidates, type Product } from '../../src/models/gpu/lower/gemm.ts';
import { fastest, timed } from '../../src/models/gpu/lower/choose.ts';
import { tileProgram } from '../../src/models/gpu/lower/tile.ts';
import { gpu } from '../../src/models/gpu/model.ts';
import { ALU, GLOBAL, MATH, ProgramBuilder, SHARED } from '../../src/models/gpu/program.ts';
import type { GpuSpec } from '../../src/models/gpu/spec.ts';
import { waveBound } from '../../src/models/gpu/units/bound.ts';
import { type KernelTiming, kernelTiming, type SmCache, waveCycles, wavesOf } from '../../src/models/gpu/units/chip.ts';
import { blocksPerSm } from '../../src/models/gpu/units/occupancy.ts';
import { Sm } from '../../src/models/gpu/units/sm.ts';
import { SCHEMAS } from '../../src/models/registry.ts';

const specOf = (name: string): GpuSpec => gpu.schema.parse(loadMachine(name, [], SCHEMAS).spec);
const V100 = specOf('v100');
const A100 = specOf('a100');

/** Operands that nothing has read before. */
function product(m: number, n: number, k: number): Product {
  return {
    name: 'product',
    batch: 1,
    m,
    n,
    k,
    precision: 'fp16',
    operandBytes: 2,
    resultBytes: 2,
    leftPitchBytes: null,
    rightPitchBytes: null,
    readsResult: false,
    leftBytes: 2 * m * k,
    rightBytes: 2 * k * n,
    warmBytes: null,
  };
}

const size = fc.integer({ min: 1, max: 12 }).map((count) => 64 * count);

describe('kernels of any product', () => {
  it.each([
    ['v100', V100],
    ['a100', A100],
  ])('%s: cycles are no fewer than the pipes need, bytes no fewer than operands and result', (_, spec) => {
    const cache: SmCache = new Map();
    fc.assert(
      fc.property(size, size, size, (m, n, k) => {
        const { kernels } = fastest(spec, gemmCandidates(spec, product(m, n, k)), cache);
        const total = (of: (timing: KernelTiming) => number) =>
          kernels.reduce((sum, { timing }) => sum + of(timing), 0);
        const { unit, occupiesCycles, instructions, ...group } = spec.math.fp16!;
        expect(unit).toBe('tensor');
        const macsPerCycle =
          (spec.sms * spec.sm.subCores * group.m * group.n * group.k) / (instructions * occupiesCycles);
        expect(total(({ cycles }) => cycles)).toBeGreaterThanOrEqual((m * n * k) / macsPerCycle);
        expect(total(({ offChipReadBytes }) => offChipReadBytes)).toBeGreaterThanOrEqual(0.999999 * 2 * k * (m + n));
        expect(total(({ offChipWriteBytes }) => offChipWriteBytes)).toBeGreaterThanOrEqual(2 * m * n);
        const slowestBytesPerCycle = (spec.memory.bandwidthGBps * 1e3) / spec.clockMHz;
        expect(total(({ cycles }) => cycles)).toBeGreaterThanOrEqual((2 * k * (m + n)) / slowestBytesPerCycle);
      }),
      { seed: 20261126, numRuns: 12 },
    );
  });
});

describe('the choice among ways', () => {
  it.each([
    ['v100', V100, 'fp16'],
    ['v100', V100, 'fp32'],
    ['a100', A100, 'fp16'],
  ] as const)('%s: no way is faster than the one taken, no wave faster than its bound', (_, spec, precision) => {
    const cache: SmCache = new Map();
    fc.assert(
      fc.property(size, size, size, (m, n, k) => {
        const bytes = precision === 'fp16' ? 2 : 4;
        const sizes = { operandBytes: bytes, resultBytes: bytes, leftBytes: bytes * m * k, rightBytes: bytes * k * n };
        const ways = gemmCandidates(spec, { ...product(m, n, k), ...sizes, precision }).filter((kernels) =>
          kernels.every((kernel) => blocksPerSm(spec, kernel) > 0),
        );
        const { seconds } = fastest(spec, ways, new Map());
        expect(seconds).toBe(Math.min(...ways.map((kernels) => timed(spec, kernels, cache).seconds)));
        for (const wave of ways.flat().flatMap((kernel) => wavesOf(spec, kernel)))
          expect(waveBound(spec, wave, cache)).toBeLessThanOrEqual(waveCycles(spec, wave, cache));
      }),
      { seed: 20261130, numRuns: 8 },
    );
  });
});

describe('runs that fold before their state recurs', () => {
  // Many warps saturate a pipe here; see BUDGET in sm.ts.
  it.each([
    ['fp16', 64, 64, 6],
    ['fp16', 64, 32, 4],
    ['fp32', 128, 64, 4],
  ] as const)('%s tiles of %d x %d, %d blocks: 3 percent from all played', (precision, m, n, blocks) => {
    const math = V100.math[precision]!;
    const tiles = math.unit === 'tensor' ? V100.library.tensorTiles : V100.library.cudaTiles;
    const tile = tiles.find((one) => one.m === m && one.n === n)!;
    const bytes = precision === 'fp16' ? 2 : 4;
    const program = tileProgram(
      { ...tile, stages: 2 },
      {
        math: { ...math, steps: math.instructions, operandBytes: bytes },
        sharedBytesPerCycle: 128,
        sharedLatencyCycles: 23,
        globalBytesPerCycle: 40,
        globalLatencyCycles: 300,
        resultBytesPerCycle: 40,
        barrierCycles: 10,
        asyncCopy: false,
        addressInstructions: 2,
        readsResult: false,
        resultBytes: bytes,
        prologueInstructions: 50,
      },
    );
    const warpsPerBlock = tile.warpsM * tile.warpsN;
    const run = { program, warpsPerBlock, blocks, subCores: 4, queueCycles: 64, iterations: 150 };
    const played = new Sm(run).finish(true).cycles;
    expect(Math.abs(new Sm(run).finish().cycles / played - 1)).toBeLessThan(0.03);
  });
});

/** Programs of one warp: loads, what uses them, products, in any order. */
const instruction = fc.record({
  pipe: fc.constantFrom(MATH, ALU, SHARED, GLOBAL),
  occupiesCycles: fc.integer({ min: 1, max: 8 }),
  latencyCycles: fc.integer({ min: 1, max: 60 }),
  writes: fc.integer({ min: 0, max: 3 }),
  reads: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
});

describe('what must hold of a better machine', () => {
  // One warp has nobody to compete with, so every instruction issues as early as those before it allow. With several, a shorter
  // latency can let a warp in ahead of one that the others wait for (Graham 1969), so this need not hold of them.
  it('one warp is never slower with shorter latencies and more bandwidth', () => {
    fc.assert(
      fc.property(
        fc.array(instruction, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 0, max: 7 }),
        (list, less, faster) => {
          const cycles = (lessLatency: number, lessOccupied: number): number => {
            const builder = new ProgramBuilder();
            for (const { pipe, occupiesCycles, latencyCycles, writes, reads } of list) {
              const occupied = Math.max(1, occupiesCycles - lessOccupied);
              builder.add(pipe, occupied, Math.max(1, latencyCycles - lessLatency), writes, reads);
            }
            const program = { prologue: builder.instructions, body: [], epilogue: [], slots: 4 };
            const run = { program, warpsPerBlock: 1, blocks: 1, subCores: 1, queueCycles: 8, iterations: 0 };
            return new Sm(run).finish().cycles;
          };
          expect(cycles(less, faster)).toBeLessThanOrEqual(cycles(0, 0));
        },
      ),
      { seed: 20261127, numRuns: 300 },
    );
  });

  // Where memory is shared, more SMs get less of it each, and a wave of blocks can end up on a slower one; without memory they cannot.
  it('more SMs never make blocks slower that only compute', () => {
    const blocksOf = (blocks: number) => ({
      name: 'plain',
      programKey: 'plain',
      program: () => {
        const builder = new ProgramBuilder();
        builder.add(ALU, 100, 100);
        return { prologue: builder.instructions, body: [], epilogue: [], slots: 1 };
      },
      blocks,
      warpsPerBlock: 4,
      registersPerThread: 128,
      sharedBytesPerBlock: 0,
      iterations: 0,
      exposedLoads: 0 as const,
      loadBytes: 0,
      offChipLoadBytes: () => 0,
      patternShare: 1,
      resultReadBytes: 0,
      resultWriteBytes: 0,
      offChipResultShare: 0,
      mathCyclesPerBlock: 0,
      macsDone: 0,
    });
    const sms = fc.integer({ min: 1, max: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), sms, sms, (blocks, one, other) => {
        const cycles = (count: number) => kernelTiming({ ...V100, sms: count }, blocksOf(blocks), new Map()).cycles;
        expect(cycles(Math.max(one, other))).toBeLessThanOrEqual(cycles(Math.min(one, other)));
        // Each sub-core computes 100 cycles for each block of its SM.
        expect(cycles(one)).toBeGreaterThanOrEqual((100 * blocks) / one);
      }),
      { seed: 20261128, numRuns: 200 },
    );
  });

  it.each([
    ['memory.bandwidthGBps', { memory: { ...V100.memory, bandwidthGBps: 2 * V100.memory.bandwidthGBps } }],
    ['memory.latencyCycles', { memory: { ...V100.memory, latencyCycles: V100.memory.latencyCycles / 2 } }],
    ['l2.bytesPerCycle', { l2: { ...V100.l2, bytesPerCycle: 2 * V100.l2.bytesPerCycle } }],
  ])(
    'a better %s makes no product slower by more than what scheduling anomalies and rounded rates explain',
    (_, better) => {
      const plain: SmCache = new Map();
      const changed: SmCache = new Map();
      fc.assert(
        fc.property(size, size, size, (m, n, k) => {
          const seconds = (spec: GpuSpec, cache: SmCache) =>
            fastest(spec, gemmCandidates(spec, product(m, n, k)), cache).seconds;
          expect(seconds({ ...V100, ...better }, changed)).toBeLessThanOrEqual(1.03 * seconds(V100, plain));
        }),
        { seed: 20261129, numRuns: 8 },
      );
    },
  );
});
