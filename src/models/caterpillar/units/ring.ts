import { simulateCollective } from '../../../units/network/collective.ts';
import { buildTopology, type Topology } from '../../../units/network/topology.ts';

/** What the cores of a ring exchange, and the algorithm of each: buckets that go round, or a chain from or to the first core. */
export const RING_ALGORITHMS = {
  broadcast: 'chain',
  gather: 'chain',
  reduce: 'chain',
  'all-gather': 'ring',
  'reduce-scatter': 'ring',
  'all-reduce': 'ring',
} as const;
export type RingCollective = keyof typeof RING_ALGORITHMS;

/** A ring of cores: neighbours are joined in both directions by links as wide as a core has buses. */
export interface RingSpec {
  /** Words that a link carries in a cycle. */
  readonly wordsPerCycle: number;
  readonly hopCycles: number;
}

/** Time is in cycles and sizes in beats, what a link carries in a cycle: 1 GB/s is a byte a nanosecond, here a beat a cycle. */
const CYCLE_SECONDS = 1e-9;
const topologies = new Map<string, Topology>();

function ringOf(cores: number, hopCycles: number): Topology {
  const key = `${cores} ${hopCycles}`;
  const known = topologies.get(key);
  if (known !== undefined) return known;
  const topology = buildTopology(`ring of ${cores} cores`, {
    ranks: cores,
    layout: { kind: 'ring', link: 'hop', lanes: 1 },
    links: { hop: { latencyNs: hopCycles, bandwidthGBps: 1, payloadShare: 1 } },
    library: {
      launchUs: 0,
      reduceGBps: null,
      protocols: { beats: { messageUs: 0, bandwidthShare: 1 } },
      algorithms: {},
    },
  });
  topologies.set(key, topology);
  return topology;
}

export interface RingTime {
  readonly cycles: number;
  /** By the algorithm's closed formula, for the same channels. */
  readonly formulaCycles: number;
  /** Into which a chain is cut. */
  readonly segments: number;
  /** Over all links. */
  readonly linkWords: number;
}

const NOTHING: RingTime = { cycles: 0, formulaCycles: 0, segments: 1, linkWords: 0 };

/**
 * An exchange of a vector of so many words (all parts together) among cores that form a ring, message by message. Neighbours may be `stride`
 * links apart, with as many rings on each link: they take turns, and a word is counted on each of its links.
 */
export function ringTime(
  ring: RingSpec,
  collective: RingCollective,
  cores: number,
  words: number,
  stride = 1,
): RingTime {
  if (cores < 2 || words === 0) return NOTHING;
  const { seconds, formulaSeconds, segments, linkBytes } = simulateCollective({
    topology: ringOf(cores, stride * ring.hopCycles),
    collective,
    ranks: cores,
    bytes: Math.ceil((stride * words) / ring.wordsPerCycle),
    algorithm: RING_ALGORITHMS[collective],
  });
  return {
    cycles: Math.round(seconds / CYCLE_SECONDS),
    formulaCycles: formulaSeconds / CYCLE_SECONDS,
    segments,
    linkWords: linkBytes.reduce((sum, beats) => sum + beats, 0) * ring.wordsPerCycle,
  };
}
