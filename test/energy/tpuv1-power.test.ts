import { describe, expect, it } from 'vitest';
import { type CountedAction, dynamicEnergyPj, machinePrices } from '../../src/energy/price.ts';
import { loadMachine } from '../../src/machine/load.ts';
import { systolicSpec } from '../../src/models/systolic/spec.ts';

const spec = systolicSpec.parse(loadMachine('tpuv1', [], { systolic: systolicSpec }).spec);
const price = machinePrices(spec.energy);
const CYCLES = 1e6;
const CLOCK_HZ = 700e6;
const SECONDS = CYCLES / CLOCK_HZ;

/** Watts of a run of 1e6 cycles. */
function watts(counts: readonly CountedAction[]): number {
  const dynamicPj = Object.values(dynamicEnergyPj(counts, price)).reduce((sum, pj) => sum + pj, 0);
  return dynamicPj / 1e12 / SECONDS + spec.energy.idlePowerW;
}

/**
 * CNN0 by hand: 86 of 91.75 TOPS, 3x3 convolutions of 256 channels (nine passes per result), 2888 MACs per weight byte. Rows
 * streamed in 1e6 cycles: 0.9373e6. Each row reads 256 bytes, does 65,536 MACs, writes 256 sums of 4 bytes; eight of nine
 * passes read the sums before adding, and one of nine sends them on (1/9 more), so reads equal writes.
 */
function cnn0(rows: number): readonly CountedAction[] {
  const macs = rows * 65_536;
  const weightBytes = macs / 2888;
  return [
    { component: 'array', action: 'mac.int8', count: macs, bytes: 0 },
    { component: 'array', action: 'shift', count: 0, bytes: weightBytes },
    { component: 'unifiedBuffer', action: 'read', count: 0, bytes: rows * 256 },
    { component: 'accumulators', action: 'write', count: 0, bytes: rows * 1024 },
    { component: 'accumulators', action: 'read', count: 0, bytes: rows * 1024 },
    { component: 'vectorUnit', action: 'vector.op', count: (rows * 256) / 9, bytes: 0 },
    { component: 'unifiedBuffer', action: 'write', count: 0, bytes: (rows * 256) / 9 },
    { component: 'weightMemory', action: 'read', count: 0, bytes: weightBytes },
    { component: 'weightFifo', action: 'write', count: 0, bytes: weightBytes },
    { component: 'weightFifo', action: 'read', count: 0, bytes: weightBytes },
  ];
}

describe('TPU v1 power (Jouppi 2017, Table 2: 40 W busy, 28 W idle per die)', () => {
  it('idles at 28 W', () => {
    expect(watts([])).toBeCloseTo(28, 6);
  });

  it('draws 40 W within 5 % at CNN0', () => {
    const busy = watts(cnn0(0.9373e6));
    expect(busy).toBeGreaterThan(38);
    expect(busy).toBeLessThan(42);
  });

  it('states by how much its prices miss without the fitted factor: 14.4 W of dynamic power', () => {
    const dynamic = watts(cnn0(0.9373e6)) - 28;
    expect(dynamic).toBeCloseTo(12, 1);
    expect(dynamic / 0.83).toBeCloseTo(14.45, 1);
  });

  it('prices MACs and memories as derived by hand from 45 nm: x 0.5178 to 28 nm, x 0.83 fitted', () => {
    const factor = 0.5178 * 0.83;
    expect(price('array', 'mac.int8')).toBeCloseTo(0.3 * factor, 4);
    expect(price('unifiedBuffer', 'read')).toBeCloseTo(59.86 * factor, 2);
    // 16 KiB: 10 + (4 - 2.8284) x 10 / 2.8284 = 14.14 pJ per 8 bytes
    expect(price('accumulators', 'write')).toBeCloseTo((14.142 / 8) * factor, 3);
    // 256 KiB: 20 + (16 - 5.65685) x 80 / 26.34315 = 51.41 pJ per 8 bytes
    expect(price('weightFifo', 'read')).toBeCloseTo((51.41 / 8) * factor, 3);
    expect(price('array', 'shift')).toBeCloseTo(128 * 0.03 * factor, 2);
  });
});

describe('shift prices stated in machine files: half the rows x 0.03 pJ per byte at 45 nm, scaled', () => {
  const to22 = 0.2372462 / 0.69885;
  const to16 = 0.120272 / 0.69885;
  it.each([
    ['tpuv2', 64 * 0.03 * to16],
    ['tpuv3', 64 * 0.03 * to16],
    ['edge-16x16', 8 * 0.03 * to22],
    ['edge-32x32', 16 * 0.03 * to22],
    ['scalesim-32x32-ws', 16 * 0.03],
    ['scalesim-128x128-ws', 64 * 0.03],
  ])('%s', (name, pj) => {
    const machine = systolicSpec.parse(loadMachine(name, [], { systolic: systolicSpec }).spec);
    expect(Math.abs(machine.energy.pricesPj.array!.shift! / pj - 1)).toBeLessThan(0.01);
  });
});
