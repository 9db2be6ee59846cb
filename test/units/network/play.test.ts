import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../../../src/units/network/catalogue/catalogue.ts';
import { play } from '../../../src/units/network/play.ts';
import { range, type Schedule } from '../../../src/units/network/schedule.ts';
import type { Topology } from '../../../src/units/network/topology.ts';
import { PLAIN_HANDOVER, plainNetwork } from './networks.ts';

const ring = (ranks: number): Schedule => ALGORITHMS['all-reduce'].get('ring')!.schedule(ranks, 1);
const seconds = (topology: Topology, schedule: Schedule, order: readonly number[], bytes: number): number =>
  play(topology, schedule, [order], bytes, PLAIN_HANDOVER).seconds;

describe('messages share links', () => {
  it('two messages over one link follow each other', () => {
    // A line 0 - 1 - 2: both messages need the link 1 -> 2, and start at the same time.
    const line = plainNetwork(3, {
      kind: 'edges',
      edges: [
        { between: [0, 1], link: 'wire', lanes: 1 },
        { between: [1, 2], link: 'wire', lanes: 1 },
      ],
    });
    const schedule: Schedule = {
      ranks: 3,
      vectorBlocks: 1,
      messages: [
        { step: 0, from: 1, to: 2, blocks: [0], reduce: false },
        { step: 0, from: 0, to: 2, blocks: [0], reduce: false },
      ],
    };
    const { seconds: time, linkBytes, linkBusySeconds } = play(line, schedule, [[0, 1, 2]], 4000, PLAIN_HANDOVER);
    // 1.5 us, then 4 us of the first message and 4 us of the second on the shared link, then 0.5 us of latency.
    expect(time * 1e6).toBeCloseTo(1.5 + 4 + 4 + 0.5, 9);
    const used = line.links.map(({ from, to }, index) => [from, to, linkBytes[index], linkBusySeconds[index]! * 1e6]);
    expect(used).toEqual([
      [0, 1, 4000, expect.closeTo(4)],
      [1, 0, 0, 0],
      [1, 2, 8000, expect.closeTo(8)],
      [2, 1, 0, 0],
    ]);
  });

  it('a message passes a switch without being stored: one transfer and two latencies', () => {
    const hosts = plainNetwork(2, { kind: 'hosts', hosts: 1, uplink: 'wire' });
    const message = { step: 0, from: 0, to: 1, blocks: [0], reduce: false };
    const schedule = { ranks: 2, vectorBlocks: 1, messages: [message] };
    expect(seconds(hosts, schedule, [0, 1], 4000) * 1e6).toBeCloseTo(1.5 + 4 + 2 * 0.5, 9);
  });

  it('a second lane carries the second message', () => {
    const schedule: Schedule = {
      ranks: 2,
      vectorBlocks: 1,
      messages: [{ step: 0, from: 0, to: 1, blocks: [0], reduce: false }],
    };
    const both = (lanes: number): number =>
      play(plainNetwork(2, { lanes }), schedule, [range(0, 2), range(0, 2)], 8000, PLAIN_HANDOVER).seconds * 1e6;
    expect(both(1)).toBeCloseTo(1.5 + 4 + 4 + 0.5, 9);
    expect(both(2)).toBeCloseTo(1.5 + 4 + 0.5, 9);
  });

  it('a ring whose neighbours are far apart is slower, by the links that every message now needs', () => {
    const wires = plainNetwork(8, { kind: 'ring' });
    const good = seconds(wires, ring(8), range(0, 8), 8e6);
    const bad = seconds(wires, ring(8), [0, 4, 1, 5, 2, 6, 3, 7], 8e6);
    expect(good * 1e3).toBeCloseTo(14 * (0.002 + 1) + 7 * 0.5, 6);
    // Each of the 8 messages of a step takes 3 or 4 of 16 links: at least 28 / 16 transfers a step.
    expect(bad).toBeGreaterThan((28 / 16) * 14 * 1e-3);
    expect(bad).toBeGreaterThan(1.5 * good);
  });
});

it('reductions at one rank follow each other', () => {
  const direct = ALGORITHMS['all-reduce'].get('direct')!.schedule(4, 1);
  // 2 messages of 1 us and 2 us each; in between 3 additions of 0.5 us.
  expect(seconds(plainNetwork(4), direct, range(0, 4), 4000) * 1e6).toBeCloseTo(2 * (2 + 1) + 3 * 0.5, 9);
});

it('is the same every time, for any network, order and size', () => {
  const layouts = [{}, { kind: 'ring' }, { kind: 'hosts', hosts: 2, uplink: 'wire' }];
  const names = ['ring', 'recursive-doubling', 'binary-blocks', 'direct', 'double-binary-tree'];
  fc.assert(
    fc.property(
      fc.constantFrom(...layouts),
      fc.constantFrom(...names),
      fc.constantFrom(4, 6, 8),
      fc.nat(1_000_000),
      (layout, name, ranks, bytes) => {
        const algorithm = ALGORITHMS['all-reduce'].get(name)!;
        const schedule = algorithm.schedule(ranks, algorithm.segmentCounts.at(-1)!);
        const results = [0, 1].map(() =>
          play(plainNetwork(ranks, layout), schedule, [range(0, ranks)], bytes, PLAIN_HANDOVER),
        );
        expect(results[0]).toEqual(results[1]);
        // Every link is busy no longer than the run, and carries as long as it is busy.
        for (const [link, busy] of results[0]!.linkBusySeconds.entries()) {
          expect(busy).toBeLessThanOrEqual(results[0]!.seconds * (1 + 1e-12));
          expect(busy).toBeCloseTo(results[0]!.linkBytes[link]! * 1e-9, 12);
        }
      },
    ),
    { seed: 1, numRuns: 60 },
  );
});

it('more links, or more of the same, never slow a ring down; more bytes never speed it up', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 9 }), fc.nat(1_000_000), (ranks, bytes) => {
      const order = range(0, ranks);
      const onRing = seconds(plainNetwork(ranks, { kind: 'ring' }), ring(ranks), order, bytes);
      expect(seconds(plainNetwork(ranks, { lanes: 2 }), ring(ranks), order, bytes)).toBeLessThanOrEqual(onRing);
      expect(seconds(plainNetwork(ranks), ring(ranks), order, bytes + ranks)).toBeGreaterThan(onRing);
    }),
    { seed: 1, numRuns: 60 },
  );
});
