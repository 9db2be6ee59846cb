import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace } from '../../src/workload/load.ts';

const SEED = 20170710;
const MACHINES = ['caterpillar-2x16', 'caterpillar-2x4', 'lac', 'lap'] as const;
const length = fc.integer({ min: 1, max: 900 });
const matmul = fc.tuple(length, length, length).map(([m, n, k]) => `matmul:${m}x${n}x${k}`);

function totals(machine: string, workload: string, sets: readonly string[] = []) {
  const precision = machine.startsWith('caterpillar') ? 'fp16' : 'fp32';
  const trace = loadTrace(workload, { phase: 'inference' }, precision);
  return simulate(loadMachine(machine, sets, SCHEMAS), trace).report.totals;
}

describe.each(MACHINES)('%s', (machine) => {
  it('takes at least the cycles of its work, moves all operands, and accounts for every cycle', () => {
    fc.assert(
      fc.property(matmul, (workload) => {
        const { cycles, macs, peakMacsPerCycle, activeCycles, stallCycles, trafficBytes } = totals(machine, workload);
        const [m, n, k] = workload.slice('matmul:'.length).split('x').map(Number) as [number, number, number];
        const wordBytes = machine.startsWith('caterpillar') ? 2 : 4;
        expect(macs).toBe(m * n * k);
        expect(cycles * peakMacsPerCycle).toBeGreaterThanOrEqual(macs);
        expect(activeCycles + Object.values(stallCycles).reduce((sum, each) => sum + each, 0)).toBe(cycles);
        expect(trafficBytes['offChipMemory']!.read).toBeGreaterThanOrEqual(wordBytes * (m * k + k * n));
        expect(trafficBytes['offChipMemory']!.write).toBe(wordBytes * m * n);
      }),
      { numRuns: 40, seed: SEED },
    );
  });

  it('is no slower with a faster off-chip memory', () => {
    fc.assert(
      fc.property(matmul, (workload) => {
        const fast = totals(machine, workload, ['memory.bandwidthGBps=1000']).cycles;
        expect(fast).toBeLessThanOrEqual(totals(machine, workload).cycles);
      }),
      { numRuns: 20, seed: SEED },
    );
  });
});
