import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataPath } from '../../src/files.ts';
import { loadMachine } from '../../src/machine/load.ts';
import { bestOn, taskLeastCycles } from '../../src/models/caterpillar/lower/choose.ts';
import { gridsOf, stridesOf } from '../../src/models/caterpillar/lower/grid.ts';
import { groupOps } from '../../src/models/caterpillar/lower/groups.ts';
import {
  gemmKernel,
  gemmLeastCycles,
  gemvKernel,
  type Kernel,
  updateKernel,
} from '../../src/models/caterpillar/lower/kernel.ts';
import { demandOf, placeTensors } from '../../src/models/caterpillar/lower/residency.ts';
import { choose } from '../../src/models/caterpillar/lower/tie.ts';
import { ringTime } from '../../src/models/caterpillar/units/ring.ts';
import { runKernel } from '../../src/models/caterpillar/units/kernel.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import type { Op } from '../../src/trace/trace.ts';
import { loadTrace, type TraceOptions } from '../../src/workload/load.ts';

const SEED = 20170711;
const LARGE = dataPath('reports', 'anchors', 'mlp-2500.yaml');

function step(machine: string, workload: string, options: Partial<TraceOptions>, sets: readonly string[] = []) {
  const trace = loadTrace(workload, { ...options, phase: 'training', precision: 'fp16' }, 'fp16');
  return simulate(loadMachine(machine, sets, SCHEMAS), trace).report;
}

describe('choices', () => {
  const pick = (...ways: readonly (readonly [cycles: number, words: number])[]) =>
    choose(
      ways,
      ([cycles]) => cycles,
      ([, words]) => words,
    );

  it('least time counts, beyond a hundredth', () => {
    expect(pick([1000, 90], [1011, 10])).toEqual([1000, 90]);
    expect(pick([1000, 90], [1010, 10])).toEqual([1010, 10]);
  });

  it('words that differ by less than a hundredth do not outweigh time', () => {
    expect(pick([1000, 1000], [1005, 995])).toEqual([1000, 1000]);
  });

  it('of equal ones, the first', () => {
    const [first, second] = [
      [7, 7],
      [7, 7],
    ] as const;
    expect(pick(first, second)).toBe(first);
  });

  const timing = { size: 4, fmacLatencyCycles: 7, readoutCycles: 2 };
  const surroundings = {
    timing,
    ring: { wordsPerCycle: 4, hopCycles: 1 },
    rings: { rows: 2, columns: 4 },
    working: { a: 512, b: 512 },
  };
  const length = fc.integer({ min: 1, max: 300 });

  it('what is left out unseen could not have been faster', () => {
    fc.assert(
      fc.property(length, length, length, fc.boolean(), (rows, depth, columns, resident) => {
        const placement = { residentA: resident, residentC: false, transposed: false };
        const sizes = { count: 1, rows, depth, columns };
        const { issueCycles } = runKernel(gemmKernel(timing, sizes, placement, surroundings.working), 4, false);
        expect(gemmLeastCycles(timing, sizes)).toBeLessThanOrEqual(issueCycles);
        const contraction = { path: 'forward' as const, ...sizes, weight: 0 };
        const task = { contraction, resident, fused: false };
        for (const grid of gridsOf(8))
          expect(taskLeastCycles(timing, task, grid)).toBeLessThanOrEqual(
            bestOn(surroundings, task, grid)!.occupiesCycles,
          );
      }),
      { numRuns: 60, seed: SEED },
    );
  });
});

describe('groups of cores that exchange', () => {
  const strides = (rows: number, columns: number, outputs: number, inputs: number, batches = 1) =>
    Object.values(stridesOf({ outputs, inputs, columns: batches }, { rows, columns }));

  it('are rings of neighbours where a grid is that of the machine, or one ring of all cores', () => {
    expect(strides(2, 16, 16, 2)).toEqual([1, 1, 1]);
    expect(strides(2, 16, 2, 16)).toEqual([1, 1, 1]);
    expect(strides(2, 16, 32, 1)).toEqual([1, 1, 1]);
    expect(strides(4, 8, 8, 4)).toEqual([1, 1, 1]);
    expect(strides(1, 8, 1, 8)).toEqual([1, 1, 1]);
  });

  it('share links with others where it is not', () => {
    // Blocks of 2 x 2 cores; along a row the next one is 2 links away, and 2 rings go there.
    expect(strides(2, 16, 8, 4)).toEqual([2, 1, 1]);
    expect(strides(2, 16, 4, 8)).toEqual([1, 2, 1]);
    // Two blocks of 4 in a block of 16 cores, 8 columns wide.
    expect(strides(2, 32, 4, 4, 4)).toEqual([1, 2, 8]);
    // 4 of 32 in a row make a ring there and back; others are 4 links apart.
    expect(strides(1, 32, 8, 4)).toEqual([4, 2, 1]);
  });

  it('take longer where they share links', () => {
    const ring = { wordsPerCycle: 4, hopCycles: 2 };
    // 7 steps of a hop and half a block of 10 beats; over 3 links each, which 3 rings share, three times that.
    expect(ringTime(ring, 'all-gather', 8, 8 * 10 * 4).cycles).toBe(7 * (2 + 5));
    expect(ringTime(ring, 'all-gather', 8, 8 * 10 * 4, 3).cycles).toBe(7 * (6 + 15));
    expect(ringTime(ring, 'all-gather', 8, 8 * 10 * 4, 3).linkWords).toBe(3 * 7 * 8 * 10 * 4);
  });

  it('so two rows of cores are faster than one', () => {
    const small = dataPath('reports', 'anchors', 'mlp-500.yaml');
    const cycles = (...sets: readonly string[]) =>
      step('caterpillar-2x16', small, { optimizer: 'gd', batch: 1 }, sets).totals.cycles;
    expect(cycles()).toBeLessThan(cycles('rings.rows=1', 'rings.columns=32'));
  });
});

describe('a product of matrices is cut where that takes least time', () => {
  const timing = { size: 4, fmacLatencyCycles: 7, readoutCycles: 2 };
  const placement = { residentA: false, residentC: false, transposed: false };
  const cycles = (rows: number, depth: number, columns: number, a: number, b: number): number =>
    runKernel(gemmKernel(timing, { count: 1, rows, depth, columns }, placement, { a, b }), 4, false).issueCycles;

  it('no deeper than its blocks of rows are long', () => {
    // 1024 words: a depth of 512 leaves blocks of 4 tiles, for each of which a panel of B would be loaded, a quarter more.
    expect(cycles(2048, 2048, 4, 1024, 1024)).toBeLessThan((1.2 * 2048 * 2048) / 4);
  });

  it('parts of a sum follow each other without a gap, and panels of B that find room stay for all blocks', () => {
    // 16 words of weights for each of 16384 steps, a word on each of 4 buses: 65536 cycles. 4 columns of as many inputs, 16384 more. In
    // 64 parts, as 512 words hold two panels 256 deep, 4 tiles of sums come and go, each over 4 lanes.
    const ports = 16 * 4096 + 4 * 4096 + 64 * 4 * 2 * 4;
    expect(cycles(16, 16384, 4, 1024, 512)).toBeGreaterThanOrEqual(ports);
    expect(cycles(16, 16384, 4, 1024, 512)).toBeLessThan(1.02 * ports);
  });

  it('multiply-adds or ports bound small products on one core, and what stays of weights fills rows of PEs', () => {
    const run = (product: string): number => {
      const trace = loadTrace(`matmul:${product}`, { phase: 'inference', precision: 'fp32' }, 'fp32');
      return simulate(loadMachine('lac', [], SCHEMAS), trace).report.totals.cycles;
    };
    // As above; 4 x 64 x 4096 multiply-adds, of which three columns are padding; 8 x 16 x 16384.
    expect(run('1x16x16384')).toBeLessThan(1.03 * (16 * 4096 + 4 * 4096 + 64 * 4 * 2 * 4));
    expect(run('1x64x4096')).toBeLessThan((1.03 * (4 * 64 * 4096)) / 16);
    expect(run('8x16x16384')).toBeLessThan((1.03 * (8 * 16 * 16384)) / 16);
  });

  it('more of either memory makes it hardly slower', () => {
    const length = fc.integer({ min: 1, max: 600 });
    const room = fc.integer({ min: 64, max: 4096 });
    fc.assert(
      fc.property(length, length, fc.integer({ min: 1, max: 20 }), room, room, (rows, depth, columns, a, b) => {
        const least = cycles(rows, depth, columns, a, b);
        // Not exactly: blocks are equal, of whole tiles.
        expect(cycles(rows, depth, columns, 2 * a, b)).toBeLessThanOrEqual(1.1 * least);
        expect(cycles(rows, depth, columns, a, 2 * b)).toBeLessThanOrEqual(1.1 * least);
      }),
      { numRuns: 200, seed: SEED },
    );
  });
});

describe('weights whose vectors do not fit memory B are worked on in parts', () => {
  const timing = { size: 4, fmacLatencyCycles: 7, readoutCycles: 2 };
  const working = { a: 512, b: 32 };
  const issueCycles = (kernel: Kernel): number => runKernel(kernel, 4, false).issueCycles;

  it('counted by hand: 10 x 50 weights a PE, 32 words', () => {
    // Inputs may take half of the words: 4 parts of 13 columns. That leaves 19, for errors of 5 rows twice: 2 parts.
    const sizes = { count: 1, rows: 40, depth: 200, columns: 1 };
    // Of a part, each of 5 rows takes 13 multiply-adds and one for the neighbour's sum.
    expect(issueCycles(gemvKernel(timing, sizes, false, working))).toBe(8 * 5 * (13 + 1));
    // The other way round, each of 13 columns takes 5 and one.
    const back = { count: 1, rows: 200, depth: 40, columns: 1 };
    expect(issueCycles(gemvKernel(timing, back, true, working))).toBe(8 * 13 * (5 + 1));
    const weights = { rows: 40, columns: 200, samples: 1 };
    // Errors are scaled, the last of them stored 9 cycles after its word; then a multiply-add a weight.
    expect(issueCycles(updateKernel(timing, weights, false, working))).toBe(8 * (5 + 9 + 5 * 13));
    // Two a weight, the neighbour's sum and an idle word.
    expect(issueCycles(updateKernel(timing, weights, true, working))).toBe(8 * (5 + 8 + 13 * (2 * 5 + 2)));
  });

  it.each([
    ['lac', { optimizer: 'gd', batch: 1 }, []],
    ['lac', { optimizer: 'gd', batch: 1 }, ['pe.memoryBKiB=0.5']],
    ['caterpillar-2x16', { optimizer: 'gd', batch: 1, propagation: 'pipelined' }, ['pe.memoryAKiB=64']],
  ] as const)('%s trains a large network, %o %o', (machine, options, sets) => {
    const precision = machine === 'lac' ? 'fp32' : 'fp16';
    const trace = loadTrace(LARGE, { ...options, phase: 'training', precision }, precision);
    const { totals } = simulate(loadMachine(machine, sets, SCHEMAS), trace).report;
    const stalls = Object.values(totals.stallCycles).reduce((sum, each) => sum + each, 0);
    expect(totals.activeCycles + stalls).toBe(totals.cycles);
  });
});

describe('a large network in batches', () => {
  const plain = { optimizer: 'gd' } as const;

  it('stays in the PEs of caterpillar-2x4 with its activations: 50 samples and their classes come, the loss goes', () => {
    const { totals, notes } = step('caterpillar-2x4', LARGE, { ...plain, batch: 50 });
    expect(totals.trafficBytes['offChipMemory']).toEqual({ read: 50 * (784 + 1) * 2, write: 2 });
    expect(totals.utilization).toBeGreaterThan(0.95);
    expect(notes.join()).toMatch(/1\/128 of memories A is kept free .* cycles with 1\/4/);
  });

  it('whole tiles of samples go together, the rest one by one', () => {
    const { totals, notes } = step('caterpillar-2x4', LARGE, { ...plain, batch: 50 });
    expect(notes.join()).toContain('gemm + gemv');
    // Two samples by themselves cost little; 14 more columns of zeros would cost a quarter.
    const whole = step('caterpillar-2x4', LARGE, { ...plain, batch: 48 }).totals;
    expect(totals.cycles / 50).toBeLessThan(1.01 * (whole.cycles / 48));
  });

  it('takes less time and energy a sample than one sample a step', () => {
    const together = step('caterpillar-2x4', LARGE, { ...plain, batch: 50 }).totals;
    const alone = step('caterpillar-2x4', LARGE, { ...plain, batch: 1, propagation: 'pipelined' }).totals;
    expect(together.cycles / 50).toBeLessThan(alone.cycles);
    expect(together.energyPj / 50).toBeLessThan(0.85 * alone.energyPj);
  });
});

describe('what lies in the PEs', () => {
  it('of a matrix that does not fit, a part stays; the rest is read forward and for the update, and written', () => {
    const network = dataPath('workloads', 'lenet-300-100.yaml');
    // 266,610 weights on 512 PEs are 521 words each; 512 fit less than 507.
    const report = step('caterpillar-2x16', network, { optimizer: 'gd', batch: 1 }, ['pe.memoryAKiB=1']);
    const { read, write } = report.totals.trafficBytes['offChipMemory']!;
    const outside = (write - 2) / 2;
    expect(outside).toBeGreaterThan(266_610 - 512 * 512);
    expect(outside).toBeLessThan(0.1 * 266_610);
    // fc1 is cut, and biases do not fit either: both are read forward and for the update; the sample has no room and comes twice.
    expect(read).toBeGreaterThanOrEqual(2 * 2 * outside + 785 * 2);
    expect(read).toBeLessThanOrEqual(2 * 2 * outside + 2 * 785 * 2);
  });

  it('of weights, as many outputs as fill rows of PEs', () => {
    const trace = loadTrace('matmul:1x23x50', { phase: 'inference', precision: 'fp16' }, 'fp16');
    const demand = demandOf(trace, groupOps(trace), 4);
    const weight = trace.tensors.findIndex(({ role }) => role === 'weight');
    const outputs = (capacity: number): number => 23 * (placeTensors(demand, capacity).shares.get(weight) ?? 0);
    // 50 words an output; weights have room first, as the sample comes from outside anyway.
    expect(outputs(15 * 50)).toBeCloseTo(12, 9);
    expect(outputs(3 * 50)).toBe(0);
    expect(outputs(23 * 50)).toBe(23);
  });

  it('tables of which a step reads a few rows leave room for activations', () => {
    const { notes } = step('caterpillar-2x4', 'dlrm', {});
    expect(notes.join()).toMatch(/words of weights and what updates keep do not fit/);
    expect(notes.join()).not.toContain('activations and errors');
  });

  it('gradients of optimizers with state do not go off the chip', () => {
    const { ops } = step('caterpillar-2x4', 'lstm', { optimizer: 'momentum' });
    const written = ops
      .filter(({ phase }) => phase === 'weight-gradient')
      .map(({ trafficBytes }) => trafficBytes['offChipMemory']?.write ?? 0);
    expect(written.length).toBeGreaterThan(20);
    expect(Math.max(...written)).toBe(0);
  });

  it('is never more than there is room for, and all of what there is', () => {
    const trace = loadTrace('lenet-5', { phase: 'training', batch: 8, precision: 'fp16' }, 'fp16');
    const demand = demandOf(trace, groupOps(trace), 4);
    const all = placeTensors(demand, Number.MAX_SAFE_INTEGER);
    expect(all.lastingSpilled + all.passingSpilled).toBe(0);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 * all.peakWords }), (capacity) => {
        const { shares, peakWords, lastingSpilled, passingSpilled } = placeTensors(demand, capacity);
        expect(peakWords).toBeLessThanOrEqual(capacity);
        for (const share of shares.values()) {
          expect(share).toBeGreaterThan(0);
          expect(share).toBeLessThanOrEqual(1);
        }
        expect(lastingSpilled + passingSpilled === 0).toBe(capacity >= all.peakWords);
      }),
      { numRuns: 60, seed: SEED },
    );
  });
});

describe.each(['lenet-5', 'lstm', 'bert-base', 'dlrm'])('the order of groups of %s', (workload) => {
  it.each(['gd', 'momentum', 'adam', 'lars'] as const)('keeps every dependence, with %s', (optimizer) => {
    const trace = loadTrace(workload, { phase: 'training', optimizer, precision: 'fp16' }, 'fp16');
    const groups = groupOps(trace);
    const position = new Map(groups.flatMap(({ members }, group) => members.map((member) => [member, group] as const)));
    expect([...position.keys()].sort((left, right) => left - right)).toEqual([...trace.ops.keys()]);
    const lastUse = new Map<number, number>();
    const maker = new Map<number, number>();
    trace.ops.forEach((op: Op, index) => {
      const at = position.get(index)!;
      // After what made the operands, and after all that used what is changed.
      for (const id of op.inputs) expect(at).toBeGreaterThanOrEqual(maker.get(id) ?? 0);
      for (const id of op.outputs) expect(at).toBeGreaterThanOrEqual(lastUse.get(id) ?? 0);
      for (const id of op.inputs) lastUse.set(id, Math.max(at, lastUse.get(id) ?? 0));
      for (const id of op.outputs) maker.set(id, at);
    });
  });
});
