import { describe, expect, it } from 'vitest';
import { loadEnergyTable } from '../../src/energy/table.ts';
import { listMachines, loadMachine } from '../../src/machine/load.ts';
import { formats } from '../../src/models/gpu/lower/check.ts';
import type { GpuSpec } from '../../src/models/gpu/spec.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace } from '../../src/workload/load.ts';

function run(workload: string, precision: string, sets: readonly string[] = [], arch = 'v100') {
  return simulate(loadMachine(arch, sets, SCHEMAS), loadTrace(workload, { phase: 'inference', precision }, precision))
    .report;
}

describe('energy of a GPU', () => {
  it('a V100 at full rate draws between 200 and 300 W', () => {
    expect(run('matmul:4096x7000x4096', 'fp16').totals.averagePowerW).toBeGreaterThan(200);
    expect(run('matmul:4096x7000x4096', 'fp16').totals.averagePowerW).toBeLessThan(300);
    expect(run('matmul:4096x7000x4096', 'fp32').totals.averagePowerW).toBeGreaterThan(200);
    expect(run('matmul:4096x7000x4096', 'fp32').totals.averagePowerW).toBeLessThan(300);
  });

  it('a V100 that waits for memory draws less than one that computes, and more than one that idles', () => {
    const computing = run('matmul:4096x4096x4096', 'fp16').totals.averagePowerW;
    const waiting = run('matmul:16x8192x8192', 'fp16').totals.averagePowerW;
    expect(waiting).toBeLessThan(computing);
    expect(waiting).toBeGreaterThan(60);
  });

  it('counts every multiply-add once: 1024^3 at 2.1875 pJ, scaled to 16 nm', () => {
    const { totals } = run('matmul:1024x1024x1024', 'fp16', ['energy.dynamicScale=1', 'energy.technologyNm=45']);
    expect(totals.energyPjByComponent['tensorCores']! / (1024 ** 3 * 2.1875)).toBeCloseTo(1, 9);
  });

  it('prices of the table follow from instructions and their 30 pJ of overhead', () => {
    const { operationsPj } = loadEnergyTable('dally-45nm');
    expect(64 * operationsPj['hmmaMac']!).toBe(110);
    expect(64 * operationsPj['hmmaOverhead']!).toBe(30);
    expect(512 * operationsPj['immaMac']!).toBe(160);
    expect(512 * operationsPj['immaOverhead']!).toBe(30);
    expect(4 * operationsPj['hdp4aMac']!).toBe(6);
    expect(4 * operationsPj['hdp4aOverhead']!).toBe(30);
    expect(2 * operationsPj['hfma2Overhead']!).toBe(30);
    expect(operationsPj['instruction']).toBe(30);
  });

  const GPUS = listMachines().filter(({ kind }) => kind === 'gpu');
  it.each(GPUS.map(({ name }) => name))('%s draws at most a fifth more than its power limit in any format', (arch) => {
    const { spec } = loadMachine(arch, [], SCHEMAS) as { spec: GpuSpec };
    const limitW = spec.energy.publishedBusyPowerW!;
    for (const precision of ['fp32', 'fp16', 'bf16', 'int8', 'fp8e4m3'].filter((one) => formats(spec).includes(one)))
      expect(run('matmul:4096x4096x4096', precision, [], arch).totals.averagePowerW, precision).toBeLessThan(
        1.2 * limitW,
      );
  });

  it('an A100 reaches its 400 W with large products, and a T4 its 70 W, as measured clocks say', () => {
    const a100 = run('matmul:8192x8192x8192', 'fp16', [], 'a100').totals.averagePowerW;
    expect(Math.abs(a100 / 400 - 1)).toBeLessThan(0.02);
    for (const precision of ['fp16', 'fp32'])
      expect(Math.abs(run('matmul:4096x4096x4096', precision, [], 't4').totals.averagePowerW / 70 - 1)).toBeLessThan(
        0.1,
      );
  });

  it('an A100 draws less with sparse weights: half of the multiply-adds', () => {
    const options = { phase: 'inference', precision: 'fp16', sparsity: { n: 2, m: 4 } } as const;
    const trace = loadTrace('matmul:8192x8192x8192', options, 'fp16');
    const { energyPj } = simulate(loadMachine('a100', [], SCHEMAS), trace).report.totals;
    expect(energyPj).toBeLessThan(0.7 * run('matmul:8192x8192x8192', 'fp16', [], 'a100').totals.energyPj);
  });
});
