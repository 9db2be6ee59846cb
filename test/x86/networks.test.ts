import { beforeAll, describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { loadModel, SCHEMAS } from '../../src/models/registry.ts';
import type { Report } from '../../src/report/report.ts';
import { simulate } from '../../src/simulate.ts';
import { parseParallel } from '../../src/training/scaling/parallel.ts';
import { workloadNames } from '../../src/workload/catalogue.ts';
import { loadTrace, type TraceOptions } from '../../src/workload/load.ts';

beforeAll(() => loadModel('x86'));

function run(arch: string, workload: string, options: Partial<TraceOptions> = {}, sets: string[] = []): Report {
  const machine = loadMachine(arch, sets, SCHEMAS);
  return simulate(machine, loadTrace(workload, { phase: 'inference', ...options }, 'fp32')).report;
}

describe('networks on CPUs', () => {
  it.each(workloadNames())('%s runs on xeon-8180, every cycle charged', (name) => {
    const { totals } = run('xeon-8180', name);
    const stalls = Object.values(totals.stallCycles).reduce((sum, cycles) => sum + cycles, 0);
    expect(totals.activeCycles + stalls).toBe(totals.cycles);
    expect(totals.utilization).toBeLessThanOrEqual(1);
  });

  it.each(['lenet-5', 'resnet18', 'mobilenet-v2', 'lstm', 'transformer-base', 'dlrm'])('%s trains', (name) => {
    const forward = run('xeon-8180', name, { batch: 4 });
    const training = run('xeon-8180', name, { batch: 4, phase: 'training' });
    expect(training.totals.cycles).toBeGreaterThan(2 * forward.totals.cycles);
  });

  it('ResNet-50: one core reaches what direct convolutions are published to reach, 70 to 95 % of peak', () => {
    const { totals } = run('xeon-8180', 'resnet50', {}, ['system.cores=1']);
    expect(totals.utilization).toBeGreaterThan(0.7);
    expect(totals.utilization).toBeLessThan(0.95);
  });

  it('more cores are faster, and never by more than their number', () => {
    const cycles = [1, 2, 4, 14, 28].map(
      (cores) => run('xeon-8180', 'resnet18', { batch: 28 }, [`system.cores=${cores}`]).totals.cycles,
    );
    for (let at = 1; at < cycles.length; at += 1) expect(cycles[at]!).toBeLessThan(cycles[at - 1]!);
    // A core brings its own second level, so that a little more than its share is possible.
    expect(cycles[0]! / cycles[4]!).toBeLessThan(28 * 1.1);
    expect(cycles[0]! / cycles[4]!).toBeGreaterThan(14);
  });

  it('wider vectors and VNNI pay', () => {
    const at = (vectors: string): number =>
      run('xeon-8280', 'resnet18', {}, ['system.cores=1', `system.vectors=${vectors}`]).totals.cycles;
    const [sse, avx2, avx512] = [at('sse'), at('avx2'), at('avx512')] as const;
    expect(sse / avx2).toBeGreaterThan(3);
    expect(avx2 / avx512).toBeGreaterThan(1.6);
    const bytes = (dotProducts: boolean): number =>
      run('xeon-8280', 'resnet18', { precision: 'int8' }, ['system.cores=1', `system.dotProducts=${dotProducts}`])
        .totals.cycles;
    expect(bytes(false) / bytes(true)).toBeGreaterThan(1.8);
  });

  it('convolutions that keep the multipliers busiest draw no more than a full product', () => {
    for (const arch of ['xeon-8180', 'xeon-8280']) {
      const { totals } = run(arch, 'conv:28,256,28,28,256,3,3,1,1', {}, ['system.winograd.results=[]']);
      expect(totals.utilization).toBeGreaterThan(0.85);
      expect(totals.averagePowerW - totals.energyPjByComponent['ddr4']! / 1e12 / totals.seconds).toBeLessThan(205);
    }
  });

  it('3 x 3 convolutions run from the decoders, 1 x 1 from the micro-op cache', () => {
    // 24 sums are 12 cycles of multiply-adds; 34 instructions a step are some 212 bytes, more than 13 windows of 16 bytes.
    const at = (kernel: string, lines: number): number =>
      run('xeon-8180', kernel, {}, ['system.cores=1', `frontEnd.cacheLines=${lines}`]).totals.cycles;
    const [deep, flat] = ['conv:1,128,56,56,128,3,3,1,1', 'conv:1,256,28,28,64,1,1'] as const;
    expect(at(deep, 256) / at(deep, 4096)).toBeGreaterThan(1.05);
    expect(at(flat, 256)).toBe(at(flat, 4096));
    expect(at(flat, 16)).toBeGreaterThan(at(flat, 256));
  });

  it('says that zeros are multiplied', () => {
    expect(run('xeon-8180', 'lenet-5', { sparsity: { n: 2, m: 4 } }).notes.join(' ')).toContain('Zeros of 2:4');
  });

  it('a full product draws the package power that both CPUs are sold for, to 10 %, memory aside', () => {
    for (const [arch, watts] of [
      ['xeon-8180', 205],
      ['haswell-e5-2699v3', 145],
    ] as const) {
      const { totals } = run(arch, 'matmul:4096x4096x4096');
      const offChip = totals.energyPjByComponent['ddr4']! / 1e12 / totals.seconds;
      expect(Math.abs((totals.averagePowerW - offChip) / watts - 1), arch).toBeLessThan(0.1);
    }
  });
});

describe('refusals', () => {
  it.each(['bf16', 'fp16', 'fp8e4m3'])('%s has no kernels', (precision) => {
    expect(() => run('xeon-8180', 'lenet-5', { precision })).toThrow(/this machine multiplies fp32/);
  });

  it('exchanges with other ranks need a network', () => {
    const options = { phase: 'training', batch: 8, parallel: parseParallel('data:8') } as const;
    expect(() => run('xeon-8180', 'lenet-5', options)).toThrow(/no network/);
  });

  it('a core without caches runs blocks only', () => {
    expect(() => run('skylake', 'lenet-5')).toThrow(/xeon-8180/);
  });

  it.each([
    ['system.memory.name=l2', 'system.memory.name'],
    ['system.l2.sizeKiB=32', 'system.l2.sizeKiB'],
    ['system.l3.sizeKiB=1024', 'system.l3.sizeKiB'],
  ])('%s', (set, path) => {
    expect(() => loadMachine('xeon-8180', [set], SCHEMAS)).toThrow(path);
  });

  it('what does not fit the memory', () => {
    expect(() => run('cascadelake', 'vgg16', { batch: 512, phase: 'training' })).toThrow(/GiB/);
  });
});
