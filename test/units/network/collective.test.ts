import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { formula, simulateCollective } from '../../../src/units/network/collective.ts';
import { loadNetwork, loadNetworkFile, networkNames } from '../../../src/units/network/load.ts';
import { laneDisjointRings } from '../../../src/units/network/rings.ts';
import { COLLECTIVES } from '../../../src/units/network/schedule.ts';
import { plainNetwork } from './networks.ts';

const problemsOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'no problem';
};

describe('networks that ship', () => {
  it.each(networkNames())('%s: every number has a source, every collective runs', (name) => {
    const { sources } = loadNetworkFile(name);
    expect(Object.keys(sources).length).toBeGreaterThan(6);
    expect(Object.entries(sources).filter(([, { ref }]) => ref.includes('no source given'))).toEqual([]);
    const topology = loadNetwork(name);
    for (const collective of COLLECTIVES) {
      for (const bytes of [0, 4, 1_000_000]) {
        const { seconds, linkBytes } = simulateCollective({ topology, collective, ranks: topology.ranks, bytes });
        expect(seconds).toBeGreaterThanOrEqual(topology.library.launchUs * 1e-6);
        if (collective === 'barrier') expect(Math.max(...linkBytes)).toBe(0);
      }
    }
  });

  it('DGX-1: six lanes at every GPU, the four far corners two hops away, three rings in both directions', () => {
    const topology = loadNetwork('dgx1-v100');
    for (let rank = 0; rank < 8; rank++) {
      const own = topology.links.filter(({ from }) => from === rank);
      expect(own.reduce((sum, { lanes }) => sum + lanes, 0)).toBe(6);
      expect(own.map(({ to }) => to)).toHaveLength(4);
    }
    expect(laneDisjointRings(topology, 8)).toHaveLength(6);
    // Bus bandwidth of six rings of 20 GB/s.
    const bytes = 2 ** 30;
    const { seconds } = simulateCollective({ topology, collective: 'all-reduce', ranks: 8, bytes });
    const busGBps = (bytes * 2 * 7) / 8 / seconds / 1e9;
    expect(busGBps).toBeGreaterThan(118);
    expect(busGBps).toBeLessThan(120);
  });

  it('four A100: twelve rings use all 48 lanes once', () => {
    const topology = loadNetwork('a100x4');
    const used = new Map<string, number>();
    for (const order of laneDisjointRings(topology, 4)) {
      order.forEach((from, place) => {
        const key = `${from} ${order[(place + 1) % 4]}`;
        used.set(key, (used.get(key) ?? 0) + 1);
      });
    }
    expect([...used.values()]).toEqual(Array.from({ length: 12 }, () => 4));
  });

  it('HLS-1: the direct all-reduce keeps all seven links of a chip busy and beats the ring', () => {
    const topology = loadNetwork('hls1');
    const request = { topology, collective: 'all-reduce', ranks: 8, bytes: 2 ** 26 } as const;
    const best = simulateCollective(request);
    expect(best.algorithm).toBe('direct');
    expect([...best.linkBytes]).toEqual(Array.from({ length: 56 }, () => 2 ** 24));
    expect(best.seconds).toBeLessThan(simulateCollective({ ...request, algorithm: 'ring' }).seconds);
  });

  it('rings and tori of any size', () => {
    expect(loadNetwork('ring', ['ranks=13']).links).toHaveLength(26);
    const torus = loadNetwork('torus-4x4', ['ranks=15', 'layout.rows=3', 'layout.columns=5']);
    expect(torus.links).toHaveLength(60);
    const request = { topology: torus, collective: 'all-reduce', ranks: 15, bytes: 15_000 } as const;
    const along = simulateCollective({ ...request, algorithm: 'torus-2d' });
    expect(along.seconds).toBeLessThan(simulateCollective({ ...request, algorithm: 'ring' }).seconds);
  });
});

it('takes the fastest: few messages for small vectors, few bytes for large ones', () => {
  const topology = plainNetwork(8);
  const algorithmFor = (bytes: number): string =>
    simulateCollective({ topology, collective: 'all-gather', ranks: 8, bytes }).algorithm;
  expect(['recursive-doubling', 'bruck']).toContain(algorithmFor(8));
  expect(algorithmFor(2 ** 30)).toBe('ring');
  const request = { topology: loadNetwork('a100x4'), collective: 'all-reduce', ranks: 4 } as const;
  expect([64, 2 ** 20, 2 ** 30].map((bytes) => simulateCollective({ ...request, bytes }).protocol)).toEqual([
    'LL',
    'LL128',
    'Simple',
  ]);
});

it('keeps what it has worked out', () => {
  const request = { topology: plainNetwork(4), collective: 'all-reduce', ranks: 4, bytes: 4096 } as const;
  expect(simulateCollective(request)).toBe(simulateCollective({ ...request }));
  expect(simulateCollective({ ...request, topology: plainNetwork(4) })).toEqual(simulateCollective(request));
});

describe('refusals', () => {
  const topology = plainNetwork(6);
  const request = { topology, collective: 'all-gather', ranks: 6, bytes: 8 } as const;
  it.each([
    ['too many ranks', () => simulateCollective({ ...request, ranks: 7 }), 'all-gather on plain: 7 ranks; use 2 to 6'],
    ['one rank', () => simulateCollective({ ...request, ranks: 1 }), 'use 2 to 6'],
    ['half a byte', () => simulateCollective({ ...request, bytes: 0.5 }), '0.5 bytes; use a whole number'],
    ['unknown algorithm', () => simulateCollective({ ...request, algorithm: 'rign' }), 'did you mean ring?'],
    [
      'an algorithm for powers of two',
      () => simulateCollective({ ...request, algorithm: 'recursive-doubling' }),
      'recursive-doubling cannot serve 6 ranks',
    ],
    [
      'unknown algorithm of a formula',
      () => formula('broadcast', 'chian', { alpha: 0, beta: 0, gamma: 0, ranks: 2, bytes: 1, segments: 1 }),
      'did you mean chain?',
    ],
    ['unknown network', () => loadNetwork('a100x5'), 'did you mean a100x4?'],
    ['unknown link', () => loadNetwork('ring', ['layout.link=wier']), 'layout.link: "wier"; name one of links: wire'],
    ['unknown key', () => loadNetwork('ring', ['links.wire.latency=3']), 'did you mean links.wire.latencyNs?'],
    ['sides that do not fit', () => loadNetwork('torus-4x4', ['ranks=15']), 'rows x columns must be the 15 ranks'],
    ['hosts that do not fit', () => loadNetwork('p100-pcie', ['ranks=15']), 'must divide the 15 ranks'],
    [
      'unknown algorithm of a library',
      () => loadNetwork('ring', ['library.algorithms={ all-reduce: [tree] }']),
      'library.algorithms.all-reduce.0: "tree"; choose one of ring',
    ],
    [
      'two halves',
      () => loadNetwork('ring', ['layout={ kind: edges, edges: [{ between: [0, 1], link: wire, lanes: 1 }] }']),
      'rank 2 is not connected with rank 0',
    ],
  ])('%s', (_, action, message) => {
    expect(problemsOf(action)).toContain(message);
  });
});
