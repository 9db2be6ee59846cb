import { describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../../../src/units/network/catalogue/catalogue.ts';
import { binaryBlockSizes, squarestTorus, torus } from '../../../src/units/network/messages/all-reduce.ts';
import { type Collective, COLLECTIVES, range, type Schedule } from '../../../src/units/network/schedule.ts';
import { carryOut, type Holding, type Sum } from './hold.ts';

const RANKS = range(2, 16);
const one = (rank: number): Sum => new Map([[rank, 1]]);
const everyone = (ranks: number): Sum => new Map(range(0, ranks).map((rank) => [rank, 1]));
const holding = (blocks: readonly number[], sum: (block: number) => Sum): Holding =>
  new Map(blocks.map((block) => [block, sum(block)]));

/** Algorithms that keep the ranks' vectors apart until the end: vector r is block r. */
const APART = ['gather-reduce', 'all-gather-reduce'];

function start(collective: Collective, name: string, { ranks, vectorBlocks }: Schedule): Holding[] {
  const all = range(0, vectorBlocks);
  return range(0, ranks).map((rank) => {
    if (APART.includes(name)) return holding([rank], one);
    switch (collective) {
      case 'broadcast':
      case 'scatter':
        return rank === 0 ? holding(all, (block) => (collective === 'scatter' ? one(block) : one(0))) : new Map();
      case 'gather':
      case 'all-gather':
        return holding([rank], one);
      case 'all-to-all':
        return holding(range(rank * ranks, ranks), one);
      default:
        return holding(all, () => one(rank));
    }
  });
}

/** What each rank must hold at the end; it may hold more. */
function wanted(collective: Collective, name: string, { ranks, vectorBlocks }: Schedule): Holding[] {
  const all = APART.includes(name) ? [0] : range(0, vectorBlocks);
  return range(0, ranks).map((rank) => {
    switch (collective) {
      case 'broadcast':
        return holding(all, () => one(0));
      case 'reduce':
        return rank === 0 ? holding(all, () => everyone(ranks)) : new Map();
      case 'scatter':
        return holding([rank], one);
      case 'gather':
        return rank === 0 ? holding(all, one) : new Map();
      case 'all-gather':
        return holding(all, one);
      case 'reduce-scatter':
        return holding([rank], () => everyone(ranks));
      case 'all-to-all':
        return holding(
          range(0, ranks).map((source) => source * ranks + rank),
          one,
        );
      default:
        return holding(all, () => everyone(ranks));
    }
  });
}

function check(collective: Collective, name: string, schedule: Schedule): void {
  const end = carryOut(schedule, start(collective, name, schedule));
  wanted(collective, name, schedule).forEach((blocks, rank) => {
    for (const [block, sum] of blocks) {
      const found = [...(end[rank]!.get(block) ?? [])].sort(([left], [right]) => left - right);
      expect(found, `${schedule.ranks} ranks: block ${block} at rank ${rank}`).toEqual([...sum]);
    }
  });
}

const CASES = COLLECTIVES.flatMap((collective) =>
  [...ALGORITHMS[collective]].map(([name, algorithm]) => ({ collective, name, algorithm })),
);

describe('schedules do what the collective promises, for 2 to 17 ranks', () => {
  it.each(CASES.filter(({ collective }) => collective !== 'barrier'))(
    '$collective, $name',
    ({ collective, name, algorithm }) => {
      for (const ranks of RANKS.filter(algorithm.serves)) {
        for (const segments of algorithm.segmentCounts.filter((count) => count <= 8))
          check(collective, name, algorithm.schedule(ranks, segments));
      }
    },
  );

  it.each([...ALGORITHMS.barrier])('barrier, %s: no rank leaves before all have come', (_, algorithm) => {
    for (const ranks of RANKS) {
      const { messages } = algorithm.schedule(ranks, 1);
      let knows = range(0, ranks).map((rank) => new Set([rank]));
      for (const step of new Set(messages.map((message) => message.step).sort((left, right) => left - right))) {
        const next = knows.map((set) => new Set(set));
        for (const { from, to } of messages.filter((message) => message.step === step))
          for (const rank of knows[from]!) next[to]!.add(rank);
        knows = next;
      }
      expect(knows.map((set) => set.size)).toEqual(range(0, ranks).map(() => ranks));
    }
  });

  it('on tori of any sides', () => {
    for (const [rows, columns] of [
      [1, 5],
      [2, 3],
      [3, 2],
      [4, 4],
      [5, 1],
      [3, 5],
    ] as const) {
      const ranks = rows * columns;
      check('all-reduce', 'torus-2d', { ranks, vectorBlocks: ranks, messages: torus(rows, columns) });
    }
    expect(squarestTorus(12)).toEqual({ rows: 3, columns: 4 });
    expect(squarestTorus(13)).toEqual({ rows: 1, columns: 13 });
    expect(binaryBlockSizes(13)).toEqual([8, 4, 1]);
  });
});

it.each(CASES)('$collective, $name: a rank sends one message and receives one in a step', ({ algorithm }) => {
  for (const ranks of RANKS.filter(algorithm.serves)) {
    const segments = algorithm.segmentCounts.at(-1)!;
    const { messages } = algorithm.schedule(ranks, segments);
    const remote = messages.filter(({ from, to }) => from !== to);
    if (algorithm.usesAllLinks) continue;
    expect(new Set(remote.map(({ step, from }) => `${step} ${from}`)).size).toBe(remote.length);
    expect(new Set(remote.map(({ step, to }) => `${step} ${to}`)).size).toBe(remote.length);
  }
});
