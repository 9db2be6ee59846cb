import { describe, expect, it } from 'vitest';
import { listMachines, loadMachine, showMachine } from '../../src/machine/load.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { predict, prepare } from '../../src/models/x86/predict.ts';
import { loadCore } from '../../src/x86-core.ts';

const CORES = listMachines()
  .filter(({ kind }) => kind === 'x86')
  .map(({ name }) => name);

function cycles(name: string, hex: string): number {
  const core = loadCore(name, []);
  return predict(prepare(bytesOfHex(hex), 'unrolled', core), core).cyclesPerIteration;
}

describe('cores that ship', () => {
  it('are the six of the family, and machines built of them', () => {
    expect([...CORES].sort()).toEqual([
      'broadwell',
      'cascadelake',
      'haswell',
      'haswell-e5-2699v3',
      'icelake',
      'ivybridge',
      'skylake',
      'xeon-8180',
      'xeon-8280',
    ]);
  });

  it.each(CORES)('%s has a source for every number', (name) => {
    expect(loadMachine(name, [], SCHEMAS).name).toBe(name);
    const fields = showMachine(name, [], SCHEMAS).fields.filter((field) => typeof field.value === 'number');
    expect(fields.length).toBeGreaterThan(30);
    const unsourced = fields.filter(({ source }) => source === null || source.ref.includes('no source given'));
    expect(unsourced.map(({ path }) => path)).toEqual([]);
  });

  it('differ where the generations do', () => {
    // add rax,rax is one cycle everywhere; addps: 3 cycles up to Broadwell, 4 from Skylake; mulps: 5, 5, 3, 4
    for (const name of CORES) expect(cycles(name, '4801c0')).toBeCloseTo(1, 6);
    expect(['ivybridge', 'haswell', 'broadwell', 'skylake', 'icelake'].map((name) => cycles(name, '0f58c0'))).toEqual([
      3, 3, 3, 4, 4,
    ]);
    expect(['ivybridge', 'haswell', 'broadwell', 'skylake'].map((name) => cycles(name, '0f59c0'))).toEqual([
      5, 5, 3, 4,
    ]);
    // nops: issue width
    expect(cycles('skylake', '90'.repeat(20))).toBeCloseTo(5, 1);
    // two stores to different lines: one data port up to Skylake, two on Ice Lake
    expect(cycles('skylake', '48890e48894e40')).toBeCloseTo(2, 1);
  });
});
