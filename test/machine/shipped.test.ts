import { describe, expect, it } from 'vitest';
import { listMachines, loadMachine, showMachine } from '../../src/machine/load.ts';
import { systolicSpec } from '../../src/models/systolic/spec.ts';

const SCHEMAS = { systolic: systolicSpec };

describe('machines that ship', () => {
  const machines = listMachines().filter((machine) => machine.kind === 'systolic');

  it('are listed with kind and description', () => {
    const names = machines.map((machine) => machine.name);
    expect(names).toEqual(
      expect.arrayContaining([
        'tpuv1',
        'tpuv1-gddr5',
        'tpuv2',
        'tpuv3',
        'edge-16x16',
        'edge-32x32',
        'scalesim-32x32-ws',
        'scalesim-32x32-os',
        'scalesim-32x32-is',
      ]),
    );
    for (const machine of machines) expect(machine.description.length).toBeGreaterThan(10);
  });

  it.each(machines.map((machine) => machine.name))(
    '%s loads, is named as its file, and has a source for every number',
    (name) => {
      expect(loadMachine(name, [], SCHEMAS).name).toBe(name);
      const numbers = showMachine(name, [], SCHEMAS).fields.filter((field) => typeof field.value === 'number');
      expect(numbers.length).toBeGreaterThan(10);
      const unsourced = numbers.filter(
        (field) => field.source === null || field.source.ref.includes('no source given'),
      );
      expect(unsourced.map((field) => field.path)).toEqual([]);
    },
  );
});
