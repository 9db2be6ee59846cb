import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { validateAgainst } from '../../src/validate/against.ts';

const anchors = (device: string): string =>
  readFileSync(join(import.meta.dirname, '..', '..', 'reports', 'anchors', `${device}_allreduce.csv`), 'utf8');

it('all-reduce on four A100, 16 B to 8 GiB', () => {
  const { rows, mapePct, kendallTau } = validateAgainst(anchors('a100'), 'a100_allreduce.csv', undefined);
  expect(rows).toHaveLength(19);
  expect(mapePct).toBeLessThan(4);
  expect(Math.max(...rows.map(({ errorPct }) => Math.abs(errorPct)))).toBeLessThan(15);
  expect(kendallTau).toBeGreaterThan(0.9);
});

it('all-reduce on 2 to 16 P100 over PCIe and InfiniBand', () => {
  const { rows, mapePct } = validateAgainst(anchors('p100'), 'p100_allreduce.csv', undefined);
  expect(rows).toHaveLength(17);
  expect(mapePct).toBeLessThan(8);
});

it('a machine may be named instead of the rows; rows of unknown devices are refused', () => {
  const csv = 'device,bytes,ranks,time_ms\nX,1024,4,0.01\n';
  expect(validateAgainst(csv, 'x.csv', 'a100x4').rows[0]).toMatchObject({ id: 'X 1024 B 4 ranks', measured: 0.01 });
  expect(validateAgainst(csv, 'x.csv', 'a100').rows).toEqual(validateAgainst(csv, 'x.csv', 'a100x4').rows);
  expect(() => validateAgainst(csv, 'x.csv', undefined)).toThrow('write A100 or P100, or name a network with --arch');
  expect(() => validateAgainst(csv.replace('1024', '-1'), 'x.csv', 'a100x4')).toThrow('from 1 to 2^44');
  expect(() => validateAgainst(csv.replace(',4,', ',64,'), 'x.csv', 'a100x4')).toThrow('use 2 to 4');
});
