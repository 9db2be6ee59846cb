import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { dataPath } from '../../src/files.ts';
import { listMachines, loadMachine, showMachine } from '../../src/machine/load.ts';
import { areaMm2 } from '../../src/models/caterpillar/area.ts';
import { gemv } from '../../src/models/caterpillar/micro/gemv.ts';
import { caterpillarSpec } from '../../src/models/caterpillar/spec.ts';
import { runOnCore } from '../../src/models/caterpillar/units/core.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import type { Report } from '../../src/report/report.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace, type TraceOptions } from '../../src/workload/load.ts';

const SMALL = dataPath('reports', 'anchors', 'mlp-500.yaml');
const LARGE = dataPath('reports', 'anchors', 'mlp-2500.yaml');
const MNIST_MACHINES = ['caterpillar-2x16', 'caterpillar-2x4'] as const;

function run(machine: string, workload: string, options: TraceOptions, sets: readonly string[] = []): Report {
  const precision = machine.startsWith('caterpillar') ? 'fp16' : 'fp32';
  return simulate(loadMachine(machine, sets, SCHEMAS), loadTrace(workload, { precision, ...options }, precision))
    .report;
}

const sample = { phase: 'training', optimizer: 'sgd', batch: 1 } as const;

function step(machine: string, workload: string, options: Partial<TraceOptions> = {}, sets: readonly string[] = []) {
  return run(machine, workload, { ...sample, ...options }, sets);
}

const offChip = (report: Report) => report.totals.trafficBytes['offChipMemory']!;

describe('a product of matrix and vector on one core, counted by hand', () => {
  it('3 x 5 weights in each of 4 x 4 PEs, at a latency of 7', () => {
    const timing = { size: 4, fmacLatencyCycles: 7, readoutCycles: 2 };
    const { cycles, issueCycles } = runOnCore(gemv(timing, { rows: 3, columns: 5 }, false), 4);
    // A row takes 5 multiply-adds and one to add what the neighbour sends.
    expect(issueCycles).toBe(3 * (5 + 1));
    // The last position is 3 hops of 8 behind; then come reading, bus, multiply-add and readout.
    expect(cycles).toBe(18 + 3 * 8 + 2 + 7 + 2);
  });
});

describe('machines that ship', () => {
  const names = listMachines().flatMap(({ name, kind }) => (kind === 'caterpillar' ? [name] : []));

  it('are the four', () => {
    expect(names).toEqual(['caterpillar-2x16', 'caterpillar-2x4', 'lac', 'lap']);
  });

  it.each(names)('%s has a source for every number, and few that are fitted', (name) => {
    const { fields } = showMachine(name, [], SCHEMAS);
    const numbers = fields.filter(({ value }) => typeof value === 'number');
    expect(
      numbers.filter(({ source }) => source?.ref.includes('no source given') ?? true).map(({ path }) => path),
    ).toEqual([]);
    // Sizes of memory A, logic of a PE, price of its registers.
    expect(fields.filter(({ source }) => source?.kind === 'fitted').length).toBeLessThanOrEqual(3);
  });

  it.each(names)('%s: the parts of its area add up to the area that energy is stated for', (name) => {
    const spec = caterpillarSpec.parse(loadMachine(name, [], SCHEMAS).spec);
    const { memoryA, memoryB, logic, total } = areaMm2(spec);
    expect(memoryA + memoryB + logic).toBeCloseTo(total, 9);
    expect(Math.abs(total / spec.energy.areaMm2! - 1)).toBeLessThan(0.02);
  });
});

describe('training steps', () => {
  it.each(MNIST_MACHINES)('%s: weights that fit the PEs are not loaded, only a sample is', (machine) => {
    const report = step(machine, SMALL);
    // 784 pixels and the class, two bytes each; the loss goes out.
    expect(offChip(report)).toEqual({ read: 785 * 2, write: 2 });
    expect(report.notes.join()).toContain('Weights stay in the PEs');
  });

  it('delta path and update share a pass over all weights but the first', () => {
    const { notes, ops } = step('caterpillar-2x16', SMALL);
    expect(notes.join()).toContain('3 delta with update, 1 update');
    expect(ops.filter(({ bound }) => bound === 'fused').map(({ name }) => name)).toContain('fc2.weight.update');
  });

  it('feedback alignment reads two matrices where backpropagation reads one', () => {
    const back = step('caterpillar-2x16', SMALL).totals;
    const aligned = step('caterpillar-2x16', SMALL, { feedback: 'alignment' }).totals;
    expect(aligned.macs).toBe(back.macs);
    // A delta pass of its own reads the random matrix, and the update still reads the weights: 500 x 500 words, twice, and 500 x 10.
    const more = aligned.trafficBytes['memoryA']!.read - back.trafficBytes['memoryA']!.read;
    expect(more).toBeGreaterThanOrEqual(2 * (2 * 500 * 500 + 500 * 10));
    expect(aligned.energyPj).toBeGreaterThan(back.energyPj);
  });

  it('direct feedback takes fewer multiply-adds and less time than feedback alignment', () => {
    const direct = step('caterpillar-2x16', SMALL, { feedback: 'direct' }).totals;
    const aligned = step('caterpillar-2x16', SMALL, { feedback: 'alignment' }).totals;
    expect(direct.macs).toBeLessThan(aligned.macs);
    expect(direct.cycles).toBeLessThan(aligned.cycles);
  });

  it.each(MNIST_MACHINES)('%s: layers that work on different samples wait less for each other', (machine) => {
    const wait = ({ totals }: Report) => (totals.stallCycles['fill'] ?? 0) + (totals.stallCycles['communication'] ?? 0);
    expect(wait(step(machine, LARGE, { propagation: 'pipelined' }))).toBeLessThan(wait(step(machine, LARGE)));
  });

  it('layers of a pipeline get cores of their own where that is faster, and the books balance', () => {
    const pipeline = { propagation: 'pipelined' } as const;
    // A slow ring favours few cores for a layer; weights of the large network do not fit pools of whole cores.
    const slow = step('caterpillar-2x4', SMALL, pipeline, ['rings.hopCycles=100']);
    expect(slow.notes.join()).toMatch(/on 2, 3, 2, 1 cores of their own: they have their own/);
    expect(slow.totals.stallCycles['pipeline']).toBeGreaterThan(0);
    const { activeCycles, stallCycles, cycles } = slow.totals;
    expect(activeCycles + Object.values(stallCycles).reduce((sum, each) => sum + each, 0)).toBe(cycles);
    for (const unit of slow.units) expect(unit.idleCycles, unit.name).toBeGreaterThanOrEqual(0);
    expect(step('caterpillar-2x4', SMALL, pipeline).notes.join()).toContain('they take turns');
    expect(step('caterpillar-2x4', LARGE, pipeline).notes.join()).not.toContain('cores of their own');
  });

  it('a layer of a pipeline leaves cores idle that would only slow it down', () => {
    const cycles = (columns: number): number =>
      step('caterpillar-2x4', 'lenet-300-100', { propagation: 'pipelined' }, [`rings.columns=${columns}`]).totals
        .cycles;
    // 128 cores and more are too many for three layers; 2 x 113 of 256 would take twice as long as 2 x 16.
    for (const columns of [64, 65, 128]) expect(cycles(columns)).toBeLessThanOrEqual(cycles(32));
  });

  it('batches gain a large network more than a small one', () => {
    const gain = (workload: string): number => {
      const batch = 32;
      const together = step('caterpillar-2x16', workload, { batch }).totals.cycles / batch;
      return step('caterpillar-2x16', workload).totals.cycles / together;
    };
    expect(gain(LARGE)).toBeGreaterThan(2 * gain(SMALL));
  });

  it('weights that do not fit go through off-chip memory, and the report says so', () => {
    const fits = step('caterpillar-2x16', SMALL);
    const report = step('caterpillar-2x16', SMALL, {}, ['pe.memoryAKiB=2']);
    expect(offChip(report).read).toBeGreaterThan(10 * offChip(fits).read);
    expect(report.notes.join()).toContain('do not fit and go through offChipMemory');
    expect(report.totals.cycles).toBeGreaterThan(fits.totals.cycles);
  });

  it.each([
    ['caterpillar-2x16', 'resnet50'],
    ['caterpillar-2x16', 'lstm'],
    ['caterpillar-2x4', 'bert-base'],
    ['lac', 'lenet-5'],
    ['lap', 'tpuv1-mlp1'],
  ])('%s trains %s, with all cycles attributed and the mapping noted', (machine, workload) => {
    const { totals, notes } = run(machine, workload, { phase: 'training' });
    const stalls = Object.values(totals.stallCycles).reduce((sum, cycles) => sum + cycles, 0);
    expect(totals.activeCycles + stalls).toBe(totals.cycles);
    expect(totals.utilization).toBeGreaterThan(0.01);
    expect(totals.utilization).toBeLessThanOrEqual(1);
    expect(notes.join()).toContain('Products by kernel');
  });

  it('the report says why a step is slow: what memory and products take at least', () => {
    const { notes, totals } = step('caterpillar-2x16', LARGE);
    const said = /takes ([\d,]+) cycles for what moves, products ([\d,]+)/.exec(notes.join()) ?? [];
    const [, memory, products] = said.map((number) => Number(number.replaceAll(',', '')));
    // 25.6 bytes a cycle, 512 PEs.
    const { read, write } = offChip({ totals } as Report);
    expect(memory).toBe(Math.ceil((read + write) / 25.6));
    expect(products).toBe(Math.ceil(totals.macs / 512));
    expect(memory).toBeLessThanOrEqual(totals.cycles);
    expect(step('caterpillar-2x4', LARGE).notes.join()).not.toContain('for what moves');
  });

  it('a longer way from core to core costs time', () => {
    const near = step('caterpillar-2x16', SMALL).totals.cycles;
    expect(step('caterpillar-2x16', SMALL, {}, ['rings.hopCycles=10']).totals.cycles).toBeGreaterThan(near);
  });
});

describe('what the machine cannot do', () => {
  const refusal = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      if (error instanceof InputError) return error.message;
      throw error;
    }
    return 'nothing was refused';
  };

  it('another format', () => {
    const message = refusal(() => run('caterpillar-2x16', 'lenet-5', { phase: 'inference', precision: 'int8' }));
    expect(message).toBe(
      'lenet-5: conv1 and 3 more ops multiply int8; this machine multiplies fp16; use --precision fp16',
    );
  });

  it('exchanges with other machines', () => {
    const parallel = { kind: 'data', ranks: 4 } as const;
    const message = refusal(() => run('lap', 'lenet-5', { phase: 'training', batch: 8, parallel } as TraceOptions));
    expect(message).toContain('no link to others');
  });

  it('more than off-chip memory holds', () => {
    const message = refusal(() => run('lac', 'vgg16', { phase: 'training' }, ['memory.sizeGiB=0.5']));
    expect(message).toContain('the machine has 0.5 GiB');
    const small = refusal(() => run('lac', 'matmul:64x64x64', { phase: 'inference' }, ['memory.sizeGiB=0.00001']));
    expect(small).toMatch(/needs 0\.0000\d+ GiB, the machine has 0\.00001 GiB/);
  });

  it('says only what of a network does not fit', () => {
    const { notes } = run('caterpillar-2x16', 'resnet50', { phase: 'inference' });
    expect(notes.join(' ')).toMatch(/; [0-9]{2},[0-9]{3},[0-9]{3} words of weights and what updates keep do not fit/);
    expect(notes.join(' ')).toMatch(/least time: \d+ x \d+ x \d+ for \d+ products, /);
  });

  it.each([
    ['rings.rows=1e308', ['--set rings.rows']],
    ['core.size=1e308', ['--set core.size']],
  ])('%s, of which nothing else follows', (set, places) => {
    const message = refusal(() => loadMachine('caterpillar-2x16', [set], SCHEMAS));
    expect(message.split('\n').map((line) => line.split(':')[0])).toEqual(places);
  });

  it('says that zeros are multiplied', () => {
    const { notes } = run('caterpillar-2x16', 'lenet-5', { phase: 'inference', sparsity: { n: 2, m: 4 } });
    expect(notes.join(' ')).toContain('Zeros of 2:4');
  });

  it.each([
    ['core.size=2', 'core.size'],
    ['pe.memoryBKiB=0.1', 'pe.memoryBKiB'],
    ['rings.rows=20', 'rings.rows'],
    ['format=int8', 'format'],
    ['pe.memoryALineWords=1', 'pe.memoryALineWords'],
    ['memory.name=memoryA', 'memory.name'],
    ['memory.bandwidthGBps=1e-300', 'memory.bandwidthGBps'],
    ['clockMHz=1e-9', 'clockMHz'],
  ])('%s', (set, path) => {
    expect(refusal(() => loadMachine('caterpillar-2x16', [set], SCHEMAS))).toContain(path);
  });
});
