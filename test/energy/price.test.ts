import { describe, expect, it } from 'vitest';
import { dynamicEnergyPj, machinePrices, requirePrices } from '../../src/energy/price.ts';
import { ModelBug } from '../../src/errors.ts';
import type { EnergySpec } from '../../src/energy/spec.ts';
import { energyTableNames, loadEnergyTable, sramPjPerByte } from '../../src/energy/table.ts';

const SPEC: EnergySpec = {
  technologyNm: 45,
  table: 'horowitz-45nm',
  pricesPj: { dram: { read: 160 } },
  idlePowerW: 2,
  publishedBusyPowerW: null,
  areaMm2: null,
};

describe('price table', () => {
  it('ships and lists', () => {
    expect(energyTableNames()).toContain('horowitz-45nm');
  });

  it('prices actions as sums of operations', () => {
    const price = machinePrices(SPEC);
    expect(price('array', 'mac.int8')).toBeCloseTo(0.2 + 0.1, 12);
    expect(price('array', 'mac.fp16')).toBeCloseTo(1.1 + 0.9, 12);
    expect(price('array', 'mac.fp32')).toBeCloseTo(3.7 + 0.9, 12);
    expect(price('vectorUnit', 'vector.op')).toBeCloseTo(3.2, 12);
    expect(price('dram', 'read')).toBe(160);
    expect(price('dram', 'write')).toBeUndefined();
  });

  it('prices SRAM at its points: 10, 20 and 100 pJ per 8 bytes at 8, 32 and 1024 KiB', () => {
    const table = loadEnergyTable('horowitz-45nm');
    expect(sramPjPerByte(table, 8)).toBeCloseTo(1.25, 12);
    expect(sramPjPerByte(table, 32)).toBeCloseTo(2.5, 12);
    expect(sramPjPerByte(table, 1024)).toBeCloseTo(12.5, 12);
  });

  it('interpolates SRAM in the square root of the size, and continues the outer slopes', () => {
    const table = loadEnergyTable('horowitz-45nm');
    // 18 KiB: sqrt is 4.2426, half way from sqrt(8) = 2.8284 to sqrt(32) = 5.6569: 15 pJ per 8 bytes
    expect(sramPjPerByte(table, 18)).toBeCloseTo(15 / 8, 9);
    // 2 KiB: sqrt is 1.4142, half a step below 8 KiB: 5 pJ
    expect(sramPjPerByte(table, 2)).toBeCloseTo(5 / 8, 9);
    // 24 MiB: 100 + (156.767 - 32) x 80 / (32 - 5.65685) = 478.9 pJ
    expect(sramPjPerByte(table, 24576)).toBeCloseTo(478.9 / 8, 1);
  });

  it("scales table and SRAM prices to the node, not the machine's own prices", () => {
    const price = machinePrices({ ...SPEC, technologyNm: 16, sramKiB: { buffer: 32 } });
    const toNode = 0.120272 / 0.69885;
    expect(price('array', 'mac.int8')).toBeCloseTo(0.3 * toNode, 6);
    expect(price('buffer', 'read')).toBeCloseTo(2.5 * toNode, 6);
    expect(price('buffer', 'write')).toBeCloseTo(2.5 * toNode, 6);
    expect(price('dram', 'read')).toBe(160);
  });

  it('lets the machine override a price, and multiplies all by dynamicScale', () => {
    const price = machinePrices({
      ...SPEC,
      pricesPj: { array: { 'mac.int8': 7 } },
      sramKiB: { buffer: 8 },
      dynamicScale: 0.5,
    });
    expect(price('array', 'mac.int8')).toBeCloseTo(3.5, 12);
    expect(price('array', 'mac.int16')).toBeCloseTo((0.79 + 0.1) / 2, 12);
    expect(price('buffer', 'read')).toBeCloseTo(0.625, 12);
  });

  it('refuses an unknown table with a suggestion', () => {
    expect(() => machinePrices({ ...SPEC, table: 'horowitz-40nm' })).toThrow(
      /no price table horowitz-40nm; did you mean horowitz-45nm\?/,
    );
  });
});

describe('energy', () => {
  const price = machinePrices({ ...SPEC, pricesPj: { memory: { read: 10, write: 20 }, array: { shift: 2 } } });

  it('prices MACs by count and transfers by byte', () => {
    const counts = [
      { component: 'array', action: 'mac.int8', count: 1000, bytes: 0 },
      { component: 'array', action: 'shift', count: 1, bytes: 50 },
      { component: 'memory', action: 'read', count: 3, bytes: 100 },
      { component: 'memory', action: 'write', count: 1, bytes: 5 },
    ] as const;
    // 1000 x 0.3 + 50 x 2 = 400 pJ; 100 x 10 + 5 x 20 = 1100 pJ
    const energyPj = dynamicEnergyPj(counts, price);
    expect(energyPj.array).toBeCloseTo(400, 9);
    expect(energyPj.memory).toBeCloseTo(1100, 9);
  });

  it('refuses actions without a price before they are counted, all of them at once', () => {
    const uses = [
      { component: 'weightFifo', action: 'read' },
      { component: 'array', action: 'shift' },
      { component: 'vectorUnit2', action: 'vector.op' },
    ] as const;
    expect(() => requirePrices(uses, price)).toThrow(
      'energy.pricesPj.weightFifo.read: the run counts this action but it has no price; add its pJ per byte\n' +
        'energy.pricesPj.vectorUnit2.vector.op: the run counts this action but it has no price; add its pJ per operation',
    );
    expect(() => requirePrices([{ component: 'memory', action: 'write' }], price)).not.toThrow();
  });

  it('calls it a bug of ours when a counted action was never announced', () => {
    expect(() => dynamicEnergyPj([{ component: 'weightFifo', action: 'read', count: 1, bytes: 8 }], price)).toThrow(
      ModelBug,
    );
  });
});
