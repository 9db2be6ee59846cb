import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RING_ALGORITHMS, type RingCollective, ringTime } from '../../src/models/caterpillar/units/ring.ts';
import { runOnCore } from '../../src/models/caterpillar/units/core.ts';
import { load } from '../../src/step/caterpillar/layout.ts';
import { expected, productsOf } from './products.ts';
import type { History } from '../../src/step/history.ts';
import { runSetup } from '../../src/step/setup.ts';

const SEED = 1706;

const small = fc.integer({ min: 1, max: 9 });
const products = productsOf(small, small, fc.oneof(fc.constant(1), small));
const timings = fc.record({
  size: fc.integer({ min: 2, max: 5 }),
  fmacLatencyCycles: fc.integer({ min: 2, max: 7 }),
  readoutCycles: fc.integer({ min: 1, max: 3 }),
});

function shown(history: History): string[][] {
  history.goTo(history.cycles);
  return history
    .scene()
    .tables.at(-1)!
    .rows.map((row) => row.map(({ text }) => text));
}

describe('a core of PEs, cycle by cycle', () => {
  it(`ends with the product, in the cycles of the fast model (seed ${SEED})`, () => {
    fc.assert(
      fc.property(products, timings, (product, timing) => {
        const history = runSetup({ kind: 'core', machine: 'test', product, timing, format: 'fp16' });
        // Small whole numbers: exact in fp16.
        expect(shown(history)).toEqual(expected(product).map((row) => row.map(String)));
        expect(history.cycles).toBe(runOnCore(load(timing, product).program, timing.size).cycles);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('looks the same forward and backward', () => {
    const product = { a: [[1, 2, 3]], b: [[4], [5], [6]] };
    const timing = { size: 2, fmacLatencyCycles: 3, readoutCycles: 2 };
    const history = runSetup({ kind: 'core', machine: 'test', product, timing, format: 'fp16' });
    const scenes = Array.from({ length: history.cycles + 1 }, (_, cycle) => {
      history.goTo(cycle);
      return history.scene();
    });
    for (let cycle = history.cycles; cycle >= 0; cycle--) {
      history.goTo(cycle);
      expect(history.scene()).toEqual(scenes[cycle]);
    }
  });
});

describe('values of a core', () => {
  const timing = { size: 2, fmacLatencyCycles: 3, readoutCycles: 2 };
  const ends = (format: 'fp16' | 'fp32', a: number, b: number) => {
    const history = runSetup({ kind: 'core', machine: 'test', product: { a: [[a]], b: [[b]] }, timing, format });
    return [
      ...history
        .scene()
        .tables.slice(0, 2)
        .map(({ rows }) => rows[0]![0]!.text),
      shown(history)[0]![0],
    ];
  };

  it('are those of its format: half precision has no 2049, single precision has', () => {
    expect(ends('fp16', 683, 3)).toEqual(['683', '3', '2048']);
    expect(ends('fp32', 683, 3)).toEqual(['683', '3', '2049']);
  });

  it('are rounded when they are written down', () => {
    expect(ends('fp16', 2049, 1)).toEqual(['2048', '1', '2048']);
    expect(ends('fp32', 2049, 1)).toEqual(['2049', '1', '2049']);
  });
});

describe('a ring of cores, cycle by cycle', () => {
  const rings = fc.record({
    collective: fc.constantFrom(...(Object.keys(RING_ALGORITHMS) as RingCollective[])),
    cores: fc.integer({ min: 2, max: 9 }),
    words: fc.integer({ min: 1, max: 80 }),
    ring: fc.record({ wordsPerCycle: fc.integer({ min: 1, max: 4 }), hopCycles: fc.integer({ min: 1, max: 3 }) }),
  });

  it(`takes the cycles of the fast model (seed ${SEED})`, () => {
    fc.assert(
      fc.property(rings, ({ collective, cores, words, ring }) => {
        const history = runSetup({ kind: 'ring', machine: 'test', ring, collective, cores, words });
        expect(history.cycles).toBe(ringTime(ring, collective, cores, words).cycles);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('shows no more blocks than the vector has words', () => {
    const ring = { wordsPerCycle: 4, hopCycles: 1 };
    const history = runSetup({ kind: 'ring', machine: 'test', ring, collective: 'all-reduce', cores: 6, words: 1 });
    expect(history.title).toContain('all-reduce of 1 word among 6 cores');
    const seen = Array.from({ length: history.cycles + 1 }, (_, cycle) => {
      history.goTo(cycle);
      const { grids, links, says } = history.scene();
      const held = grids[0]!.cells[0]!.map(({ registers }) => registers.filter(({ text }) => text !== '').length);
      return { held, links: links.length, says: says[0] };
    });
    for (const { held } of seen) expect(held).toEqual([1, 1, 1, 1, 1, 1]);
    expect(seen.filter(({ links }) => links === 1).map(({ says }) => says)).toContain('1 message under way');
  });

  it('leaves every core of an all-reduce with the sum of all', () => {
    const ring = { wordsPerCycle: 4, hopCycles: 2 };
    const history = runSetup({ kind: 'ring', machine: 'test', ring, collective: 'all-reduce', cores: 5, words: 40 });
    history.goTo(history.cycles);
    const registers = history.scene().grids[0]!.cells[0]!.flatMap((cell) => cell.registers.map(({ text }) => text));
    expect(registers).toHaveLength(5 * 10);
    expect(new Set(registers)).toEqual(new Set([String(1 + 2 + 3 + 4 + 5)]));
  });
});
