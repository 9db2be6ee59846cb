import { describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../../../src/units/network/catalogue/catalogue.ts';
import { play } from '../../../src/units/network/play.ts';
import { type Collective, COLLECTIVES, range } from '../../../src/units/network/schedule.ts';
import { PLAIN_HANDOVER, PLAIN_TERMS, plainNetwork } from './networks.ts';

function played(collective: Collective, name: string, ranks: number, bytes: number, segments: number): number {
  const schedule = ALGORITHMS[collective].get(name)!.schedule(ranks, segments);
  return play(plainNetwork(ranks), schedule, [range(0, ranks)], bytes, PLAIN_HANDOVER).seconds;
}

/** By hand: 8 ranks (7 for full binary trees, 5 for the others), 8000 bytes; alpha 2 us, beta 1 ns, gamma 0.5 ns; microseconds. */
const BY_HAND: readonly (readonly [Collective, string, number, number, number])[] = [
  ['broadcast', 'flat', 8, 1, 7 * (2 + 8)],
  ['broadcast', 'chain', 8, 4, (8 + 4 - 2) * (2 + 2)],
  ['broadcast', 'binary-tree', 7, 4, (3 + 4 - 2) * 2 * (2 + 2)],
  ['broadcast', 'n-ary-tree', 5, 4, 4 * 4 * (2 + 2)],
  ['broadcast', 'binomial', 8, 1, 3 * (2 + 8)],
  ['broadcast', 'van-de-geijn', 8, 1, 10 * 2 + 14],
  ['reduce', 'flat', 8, 1, 7 * (2 + 8 + 4)],
  ['reduce', 'chain', 8, 4, (8 + 4 - 2) * (2 + 2 + 1)],
  ['reduce', 'binomial', 8, 1, 3 * (2 + 8 + 4)],
  ['reduce', 'gather-reduce', 8, 1, 3 * 2 + 7 * (8 + 4)],
  ['reduce', 'rabenseifner', 8, 1, 6 * 2 + 14 + 3.5],
  ['scatter', 'flat', 8, 1, 7 * (2 + 1)],
  ['scatter', 'chain', 8, 1, 7 * (2 + 1)],
  ['gather', 'binomial', 8, 1, 3 * 2 + 7],
  ['all-gather', 'ring', 8, 1, 7 * (2 + 1)],
  ['all-gather', 'recursive-doubling', 8, 1, 3 * 2 + 7],
  ['all-gather', 'bruck', 8, 1, 3 * 2 + 7],
  ['all-gather', 'gather-broadcast', 8, 1, 6 * 2 + 7 + 24],
  ['reduce-scatter', 'ring', 8, 1, 7 * (2 + 1.5)],
  ['reduce-scatter', 'recursive-halving', 8, 1, 3 * 2 + 7 * 1.5],
  ['all-reduce', 'recursive-doubling', 8, 1, 3 * (2 + 8 + 4)],
  ['all-reduce', 'ring', 8, 1, 14 * 2 + 14 + 3.5],
  ['all-reduce', 'rabenseifner', 8, 1, 6 * 2 + 14 + 3.5],
  ['all-reduce', 'binary-blocks', 8, 1, 6 * 2 + 14 + 3.5],
  ['all-reduce', 'reduce-broadcast', 8, 1, 6 * (2 + 8) + 3 * 4],
  ['all-reduce', 'all-gather-reduce', 8, 1, 3 * 2 + 7 * (8 + 4)],
  ['all-reduce', 'bruck', 8, 1, 3 * (2 + 8 + 4) + 4],
  ['all-reduce', 'torus-2d', 8, 1, 2 * 4 * 2 + 14 + 3.5],
  ['all-reduce', 'direct', 8, 1, 2 * (2 + 1) + 3.5],
  ['all-to-all', 'pairwise', 8, 1, 7 * (2 + 1)],
  ['all-to-all', 'linear', 8, 1, 2 + 1],
  ['all-to-all', 'bruck', 8, 1, 3 * (2 + 4)],
  ['barrier', 'flat', 8, 1, 14 * 2],
  ['barrier', 'binomial', 8, 1, 6 * 2],
  ['barrier', 'dissemination', 8, 1, 3 * 2],
];

describe('on separate links messages take what is counted by hand', () => {
  it.each(BY_HAND)('%s, %s, %i ranks, %i segments', (collective, name, ranks, segments, microseconds) => {
    const bytes = collective === 'barrier' ? 0 : 8000;
    expect(played(collective, name, ranks, bytes, segments) * 1e6).toBeCloseTo(microseconds, 6);
    const cost = ALGORITHMS[collective].get(name)!.cost({ ...PLAIN_TERMS, ranks, bytes, segments });
    expect(cost * 1e6).toBeCloseTo(microseconds, 6);
  });
});

const CASES = COLLECTIVES.flatMap((collective) =>
  [...ALGORITHMS[collective].keys()].map((name) => ({ collective, name })),
);

describe('the printed formula is what messages take, or a bound above it, for 2 to 17 ranks', () => {
  it.each(CASES)('$collective, $name', ({ collective, name }) => {
    const algorithm = ALGORITHMS[collective].get(name)!;
    for (const ranks of range(2, 16).filter(algorithm.serves)) {
      for (const segments of algorithm.segmentCounts.filter((count) => count <= 16)) {
        // A multiple of all numbers of blocks, so that no block is rounded.
        const bytes = collective === 'barrier' ? 0 : 12_252_240;
        const seconds = played(collective, name, ranks, bytes, segments);
        const cost = algorithm.cost({ ...PLAIN_TERMS, ranks, bytes, segments });
        const where = `${ranks} ranks, ${segments} segments`;
        if (algorithm.exact(ranks)) expect(seconds / cost, where).toBeCloseTo(1, 9);
        else {
          expect(seconds / cost, where).toBeLessThanOrEqual(1 + 1e-9);
          // A bound that is twice as high as the truth would be no use beside it.
          expect(seconds / cost, where).toBeGreaterThan(0.45);
        }
      }
    }
  });
});

it('no all-reduce moves less than 2 (p - 1) / p of the vector into a rank', () => {
  for (const [name, algorithm] of ALGORITHMS['all-reduce']) {
    if (algorithm.usesAllLinks) continue;
    for (const ranks of range(2, 16)) {
      const seconds = played('all-reduce', name, ranks, 12_252_240, algorithm.segmentCounts.at(-1)!);
      expect(seconds, `${name}, ${ranks} ranks`).toBeGreaterThan(((2 * (ranks - 1)) / ranks) * 12_252_240e-9);
    }
  }
});

it('blocks that do not divide evenly cost at most a byte more a message', () => {
  for (const bytes of [1, 9, 1001, 12_345]) {
    const seconds = played('all-reduce', 'ring', 7, bytes, 1);
    const even = 12 * 2e-6 + ((6 / 7) * 2 + (6 / 7) * 0.5) * bytes * 1e-9;
    expect(Math.abs(seconds - even)).toBeLessThanOrEqual(12 * 1.5e-9);
  }
});
