import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCifar } from '../../src/training/data/cifar.ts';
import { parseCsvSamples } from '../../src/training/data/csv.ts';
import { statisticsOf } from '../../src/training/data/dataset.ts';
import { bars, blobs } from '../../src/training/data/generated.ts';
import { idxSamples, parseIdx } from '../../src/training/data/idx.ts';
import { loadDataset } from '../../src/training/data/load.ts';

/** IDX bytes of unsigned values. */
function idx(lengths: readonly number[], values: readonly number[]): Uint8Array {
  const header = lengths.flatMap((length) => [
    length >>> 24,
    (length >>> 16) & 255,
    (length >>> 8) & 255,
    length & 255,
  ]);
  return Uint8Array.from([0, 0, 8, lengths.length, ...header, ...values]);
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'accsim-data-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('IDX', () => {
  it('reads lengths and values, and images with their labels', () => {
    expect(parseIdx(idx([2, 3], [1, 2, 3, 4, 5, 6]), 'x')).toEqual({
      shape: [2, 3],
      data: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
    const images = { bytes: idx([2, 1, 2], [9, 8, 7, 6]), where: 'images' };
    const { samples, shape } = idxSamples(images, { bytes: idx([2], [1, 0]), where: 'labels' });
    expect(shape).toEqual([1, 1, 2]);
    expect(samples).toEqual({ count: 2, values: Uint8Array.of(9, 8, 7, 6), labels: Uint8Array.of(1, 0) });
  });

  it.each([
    ['cut short', idx([2, 2], [1, 2, 3]), 'has 3 values where its lengths 2 x 2 say 4'],
    ['another type', Uint8Array.of(0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0), 'holds IDX type 13'],
    ['no IDX', Uint8Array.of(80, 75, 3, 4), 'is no IDX file'],
    ['empty', new Uint8Array(), 'is no IDX file'],
  ])('refuses a file that is %s', (_name, bytes, message) => {
    expect(() => parseIdx(bytes, 'file')).toThrow(message);
  });

  it('refuses labels of other images', () => {
    const images = { bytes: idx([2, 1, 1], [9, 8]), where: 'images' };
    expect(() => idxSamples(images, { bytes: idx([3], [1, 0, 2]), where: 'labels' })).toThrow(
      'labels: has 3 labels for 2 images',
    );
  });
});

describe('CIFAR', () => {
  it('reads records of 10 and of 100 classes', () => {
    const record = (labels: number[], fill: number): number[] => [...labels, ...new Array<number>(3072).fill(fill)];
    const ten = parseCifar(Uint8Array.from([...record([3], 1), ...record([7], 2)]), 1, 'x');
    expect([ten.count, [...ten.labels], ten.values[3071], ten.values[3072]]).toEqual([2, [3, 7], 1, 2]);
    expect([...parseCifar(Uint8Array.from(record([1, 42], 5)), 2, 'x').labels]).toEqual([42]);
    expect(() => parseCifar(new Uint8Array(3072), 1, 'x')).toThrow('multiple of 3073');
  });
});

describe('CSV', () => {
  it('reads rows with and without a header', () => {
    const expected = {
      samples: { count: 2, values: Float32Array.of(0.5, -1, 2, 3), labels: Int32Array.of(1, 0) },
      features: 2,
    };
    expect(parseCsvSamples('1,0.5,-1\n0,2,3\n', 'x')).toEqual(expected);
    expect(parseCsvSamples('label,a,b\r\n1, 0.5, -1\r\n\r\n0,2,3', 'x')).toEqual(expected);
  });

  it('lists rows that are wrong, with their place', () => {
    expect(() => parseCsvSamples('1,2,3\n-1,2,3\n1,2\n0.5,2,3\n1,x,3\n', 'data.csv')).toThrow(
      /data.csv: row 2: -1, 2, 3.*\n.*row 3: 1, 2;.*\n.*row 4.*\n.*row 5/,
    );
    expect(() => parseCsvSamples('', 'data.csv')).toThrow('has no rows');
    expect(() => parseCsvSamples('0,,2\n', 'data.csv')).toThrow('row 1: 0, , 2');
    expect(() => parseCsvSamples('0,1e39,2\n', 'data.csv')).toThrow('row 1: 0, 1e39, 2');
    expect(() => parseCsvSamples('0,1"x,2\n', 'data.csv')).toThrow('is no CSV (Invalid Opening Quote');
    expect(() => parseCsvSamples('0,"1,2\n', 'data.csv')).toThrow('is no CSV (Quote Not Closed');
  });
});

describe('data sets', () => {
  it('MNIST has 60,000 and 10,000 digits with the published mean and deviation', () => {
    const { shape, classes, train, test } = loadDataset('mnist');
    expect([shape, classes, train.count, test.count]).toEqual([[1, 28, 28], 10, 60_000, 10_000]);
    const { mean, deviation } = statisticsOf(train);
    expect(mean / 255).toBeCloseTo(0.1307, 4);
    expect(deviation / 255).toBeCloseTo(0.3081, 4);
    expect([...train.labels.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
  });

  it('a folder of CSV or IDX files is a data set', () => {
    writeFileSync(join(folder, 'train.csv'), '0,1,2\n1,3,4\n');
    writeFileSync(join(folder, 'test.csv'), '1,3,4\n');
    expect(loadDataset(folder)).toMatchObject({ shape: [2], classes: 2, train: { count: 2 }, test: { count: 1 } });
  });

  it('refuses what it does not know, with a suggestion', () => {
    expect(() => loadDataset('mnits')).toThrow('did you mean mnist?');
    expect(() => loadDataset('/nowhere')).toThrow('no such data set or folder');
  });

  it('generated sets are the same every time, and balanced', () => {
    for (const make of [blobs, bars]) {
      const [one, two] = [make(), make()];
      expect(one.train.values).toEqual(two.train.values);
      for (let label = 0; label < one.classes; label++) {
        const share = one.train.labels.filter((value: number) => value === label).length / one.train.count;
        expect(share).toBeGreaterThan(0.15);
      }
    }
  });
});
