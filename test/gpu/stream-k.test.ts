import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import type { Kernel } from '../../src/models/gpu/kernel.ts';
import { timed } from '../../src/models/gpu/lower/choose.ts';
import { gemmCandidates, type Product, streamKCandidate, tiledCandidate } from '../../src/models/gpu/lower/gemm.ts';
import { gpu } from '../../src/models/gpu/model.ts';
import { blocksPerSm } from '../../src/models/gpu/units/occupancy.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace } from '../../src/workload/load.ts';

const A100 = gpu.schema.parse(loadMachine('a100', [], SCHEMAS).spec);
/** One block of this tile fills an SM's registers, so that 108 of them are a wave. */
const TILE = A100.library.tensorTiles.find(({ m, n }) => m === 256 && n === 128)!;
const WAVE = 108;

function product(m: number, n: number, k: number): Product {
  const sizes = { batch: 1, m, n, k, leftBytes: 2 * m * k, rightBytes: 2 * k * n, operandBytes: 2, resultBytes: 2 };
  const plain = { leftPitchBytes: null, rightPitchBytes: null, readsResult: false, warmBytes: null };
  return { name: 'product', precision: 'fp16', ...sizes, ...plain };
}

const sum = (kernels: readonly Kernel[], of: (kernel: Kernel) => number): number =>
  kernels.reduce((total, kernel) => total + of(kernel), 0);

describe('the last waves cut along the reduction', () => {
  it('takes the tiles of one to two waves and shares their iterations out', () => {
    // 270 tiles of 64 iterations: one wave as ever, then 162 tiles, 162 x 64 / 108 = 96 iterations a block.
    const [before, last, ...others] = streamKCandidate(A100, TILE, product(256 * 10, 128 * 27, 2048))!;
    expect(others).toEqual([]);
    expect([before!.blocks, before!.iterations, before!.continues]).toEqual([WAVE, 64, undefined]);
    expect([last!.blocks, last!.iterations, last!.continues]).toEqual([WAVE, 96, true]);
    // 107 of 108 blocks begin within a tile: so many sums of 256 x 128 x 4 bytes are written and read.
    const sumBytes = 107 * 256 * 128 * 4;
    expect(last!.resultReadBytes).toBeCloseTo(sumBytes, 3);
    expect(last!.resultWriteBytes).toBeCloseTo(sumBytes + 162 * 256 * 128 * 2, 3);
  });

  it('has no wave before it if there are fewer tiles than two waves hold', () => {
    // 27 tiles of 64 iterations: 16 a block, four blocks on every tile.
    const [last, ...others] = streamKCandidate(A100, TILE, product(256 * 3, 128 * 9, 2048))!;
    expect(others).toEqual([]);
    expect([last!.blocks, last!.iterations, last!.continues]).toEqual([WAVE, 16, undefined]);
  });

  it('is no way at all if tiles fill whole waves, or if blocks would get hardly anything to do', () => {
    expect(blocksPerSm(A100, tiledCandidate(A100, TILE, product(256, 128, 512), 1)![0]!)).toBe(1);
    expect(streamKCandidate(A100, TILE, product(256 * 9, 128 * 24, 2048))).toBeNull();
    expect(streamKCandidate(A100, TILE, product(256, 128, 2048))).toBeNull();
  });

  it('half a wave more costs half as much time as a wave more, and the ends of blocks', () => {
    const cycles = (kernels: readonly Kernel[]): number =>
      timed(A100, kernels, new Map()).kernels.reduce((total, { timing }) => total + timing.cycles, 0);
    const halfMore = product(256 * 9, 128 * 18, 8192);
    const whole = cycles(tiledCandidate(A100, TILE, halfMore, 1)!);
    const cut = cycles(streamKCandidate(A100, TILE, halfMore)!);
    expect(cut / whole).toBeGreaterThan(0.75);
    expect(cut / whole).toBeLessThan(0.85);
  });

  it('does all that is to be done, in one launch', () => {
    const size = fc.integer({ min: 1, max: 60 }).map((count) => 128 * count);
    fc.assert(
      fc.property(size, size, size, (m, n, k) => {
        const kernels = streamKCandidate(A100, TILE, product(m, n, k));
        if (kernels === null) return;
        expect(sum(kernels, ({ macsDone }) => macsDone)).toBeGreaterThanOrEqual(0.999999 * m * n * k);
        expect(sum(kernels, ({ resultWriteBytes }) => resultWriteBytes)).toBeGreaterThanOrEqual(0.999999 * 2 * m * n);
        const iterations = Math.ceil(m / TILE.m) * Math.ceil(n / TILE.n) * Math.ceil(k / TILE.k);
        const done = sum(kernels, (kernel) => kernel.blocks * kernel.iterations);
        expect(done).toBeGreaterThanOrEqual(iterations);
        expect(done).toBeLessThan(iterations + WAVE);
        expect(kernels.filter(({ continues }) => continues !== true)).toHaveLength(1);
      }),
      { seed: 20261201, numRuns: 100 },
    );
  });

  it('is among the ways only where the machine file says so', () => {
    const cut = (streamK: boolean) =>
      gemmCandidates({ ...A100, library: { ...A100.library, streamK } }, product(512, 12288, 12288))
        .flat()
        .filter(({ name }) => name.includes('shared out')).length;
    expect(cut(false)).toBe(0);
    expect(cut(true)).toBeGreaterThan(0);
  });

  it('leaves fewer SMs without a block', () => {
    const tail = (set: string[]): number => {
      const trace = loadTrace('matmul:512x12288x12288', { phase: 'inference', precision: 'fp16' }, 'fp16');
      return simulate(loadMachine('a100', set, SCHEMAS), trace).report.totals.stallCycles.tail ?? 0;
    };
    expect(tail(['library.streamK=true'])).toBeLessThan(tail([]) / 4);
  });
});
