import { describe, expect, it } from 'vitest';
import { RING_ALGORITHMS, type RingCollective, ringTime } from '../../src/models/caterpillar/units/ring.ts';
import { Random } from '../../src/numerics/random.ts';
import { ALGORITHMS } from '../../src/units/network/catalogue/catalogue.ts';
import { runRing } from './caterpillar-ring.ts';
import { randomVector, sum } from './caterpillar-values.ts';

const CASES = 40;

/** Whole beats as evenly as they go. */
function share(beats: number, parts: number, index: number): number {
  return Math.floor((beats * (index + 1)) / parts) - Math.floor((beats * index) / parts);
}

/** Which block each core has when the collective begins, and which when it ends with what: by core and block, in ring order. */
interface Meaning {
  readonly holds: (core: number, block: number, cores: number) => boolean;
  readonly ends: (core: number, block: number, cores: number) => boolean;
  /** Cores whose words are added up, in order; one: they are copied from there. */
  readonly from: (block: number, cores: number) => readonly number[];
}

const all = (): boolean => true;
const own = (core: number, block: number): boolean => core === block;
const root = (core: number): boolean => core === 0;
const backwards = (cores: number): number[] => Array.from({ length: cores }, (_, index) => cores - 1 - index);
const around = (block: number, cores: number): number[] =>
  Array.from({ length: cores }, (_, index) => (block + 1 + index) % cores);

const MEANINGS: Readonly<Record<RingCollective, Meaning>> = {
  broadcast: { holds: root, ends: all, from: () => [0] },
  gather: { holds: own, ends: root, from: (block) => [block] },
  reduce: { holds: all, ends: root, from: (_, cores) => backwards(cores) },
  'all-gather': { holds: own, ends: all, from: (block) => [block] },
  'reduce-scatter': { holds: all, ends: own, from: around },
  'all-reduce': { holds: all, ends: all, from: around },
};

describe('collectives of a ring of cores with values', () => {
  describe.each(Object.keys(RING_ALGORITHMS) as RingCollective[])('%s', (collective) => {
    it.each(Array.from({ length: CASES }, (_, seed) => seed))('case %i', (seed) => {
      const random = Random.named(seed, collective);
      const cores = 2 + random.below(9);
      const hopCycles = 1 + random.below(3);
      const wordsPerCycle = 1 + random.below(4);
      const beats = 1 + random.below(60);
      const algorithm = ALGORITHMS[collective].get(RING_ALGORITHMS[collective])!;
      // Both directions of a ring carry a half; two cores have one link each way, which one direction takes up.
      const channels = cores === 2 ? 1 : 2;
      const { holds, ends, from } = MEANINGS[collective];
      const times = algorithm.segmentCounts.map((segments) => {
        const schedule = algorithm.schedule(cores, segments);
        const ofChannel = Array.from({ length: channels }, (_, channel) => {
          const values = Array.from({ length: cores }, () =>
            Array.from({ length: schedule.vectorBlocks }, (_, block) =>
              randomVector(
                random,
                share(share(beats, channels, channel), schedule.vectorBlocks, block) * wordsPerCycle,
              ),
            ),
          );
          const held = values.map((blocks, core) =>
            blocks.map((words, block) => (holds(core, block, cores) ? words : null)),
          );
          const cycles = runRing(schedule, held, { hopCycles, wordsPerCycle });
          for (let core = 0; core < cores; core++)
            for (let block = 0; block < schedule.vectorBlocks; block++) {
              if (!ends(core, block, cores)) continue;
              const parts = from(block, cores).map((source) => values[source]![block]!);
              expect(held[core]![block]).toEqual(parts[0]!.map((_, at) => sum(parts.map((words) => words[at]!))));
            }
          return cycles;
        });
        return Math.max(...ofChannel);
      });
      const { cycles, formulaCycles } = ringTime(
        { wordsPerCycle, hopCycles },
        collective,
        cores,
        beats * wordsPerCycle,
      );
      // The number of segments is the one that the closed formula likes best.
      expect(times).toContain(cycles);
      if (algorithm.segmentCounts.length === 1) expect(times).toEqual([cycles]);
      // Without contention the formula holds, but that a block of a step may be a beat longer than the mean.
      const segments = algorithm.segmentCounts[times.indexOf(cycles)]!;
      const steps = 1 + Math.max(...algorithm.schedule(cores, segments).messages.map(({ step }) => step));
      expect(Math.abs(cycles - formulaCycles)).toBeLessThanOrEqual(steps);
    });
  });

  it.each([3, 8, 16])(
    'all-gather and all-reduce among %i take the closed formula where blocks are whole beats',
    (cores) => {
      const perCore = 2 * 5;
      const ring = { wordsPerCycle: 4, hopCycles: 2 };
      // p - 1 steps, each a hop and a block of half the vector.
      expect(ringTime(ring, 'all-gather', cores, cores * perCore * 4).cycles).toBe((cores - 1) * (2 + perCore / 2));
      expect(ringTime(ring, 'all-reduce', cores, cores * perCore * 4).cycles).toBe(2 * (cores - 1) * (2 + perCore / 2));
    },
  );
});
