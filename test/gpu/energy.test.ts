import { describe, expect, it } from 'vitest';
import { loadEnergyTable } from '../../src/energy/table.ts';
import { loadMachine } from '../../src/machine/load.ts';
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

  it('no GPU draws more than its power limit while it multiplies, by more than a fifth', () => {
    for (const arch of ['v100', 'v100-pcie', 't4', 'rtx2080ti', 'p100', 'p40', 'p4', 'gtx1080ti']) {
      const { averagePowerW } = run('matmul:4096x4096x4096', arch.match(/^[pg]/) ? 'fp32' : 'fp16', [], arch).totals;
      const limit = (loadMachine(arch, [], SCHEMAS).spec as { energy: { publishedBusyPowerW: number } }).energy;
      expect(averagePowerW, arch).toBeLessThan(1.2 * limit.publishedBusyPowerW);
    }
  });
});
