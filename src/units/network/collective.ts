import { InputError } from '../../errors.ts';
import { didYouMean } from '../../suggest.ts';
import type { Algorithm, CostTerms } from './catalogue/algorithm.ts';
import { torus } from './catalogue/all-reduce.ts';
import { ALGORITHMS } from './catalogue/catalogue.ts';
import { play } from './play.ts';
import { laneDisjointRings } from './rings.ts';
import { type Collective, range } from './schedule.ts';
import { type Topology, wayBetween } from './topology.ts';

/** Beyond this a size is a mistake, and block sizes would no longer be exact in floating point. */
const MAX_BYTES = 2 ** 44;

export interface CollectiveRequest {
  readonly topology: Topology;
  readonly collective: Collective;
  /** The first ranks of the topology take part; rank 0 is the root. */
  readonly ranks: number;
  /**
   * Size of the vector: for scatter, gather, all-gather and reduce-scatter of all parts together, for all-to-all of what one rank
   * sends to all. Ignored by a barrier.
   */
  readonly bytes: number;
  /** Absent: the fastest that the library has. */
  readonly algorithm?: string;
}

export interface CollectiveResult {
  readonly seconds: number;
  readonly algorithm: string;
  readonly protocol: string;
  readonly channels: number;
  readonly segments: number;
  /** Closed cost formula of the algorithm, for as many separate links as there are channels, with the library's launch. */
  readonly formulaSeconds: number;
  /** In the order of the topology's links. */
  readonly linkBytes: Float64Array;
  /** Summed over the lanes of a link. */
  readonly linkBusySeconds: Float64Array;
}

/** Results by topology and request: a training step asks for the same few collectives again and again. */
const known = new WeakMap<Topology, Map<string, CollectiveResult>>();

/** Time of a collective with nothing else on the network. Throws InputError if the request makes no sense. */
export function simulateCollective(request: CollectiveRequest): CollectiveResult {
  const { topology, collective, ranks, bytes, algorithm } = request;
  const results = known.get(topology) ?? new Map<string, CollectiveResult>();
  known.set(topology, results);
  const key = `${collective} ${ranks} ${bytes} ${algorithm ?? ''}`;
  const result = results.get(key) ?? fastest(request);
  results.set(key, result);
  return result;
}

/** Closed cost in seconds, without launch. Throws InputError if there is no such algorithm. */
export function formula(collective: Collective, algorithm: string, terms: CostTerms): number {
  return named(collective, algorithm).cost(terms);
}

function named(collective: Collective, name: string): Algorithm {
  const algorithms = ALGORITHMS[collective];
  const found = algorithms.get(name);
  if (found === undefined)
    throw InputError.of(collective, `there is no algorithm ${name}`, didYouMean(name, [...algorithms.keys()]));
  return found;
}

function fastest(request: CollectiveRequest): CollectiveResult {
  const { topology, collective, ranks, bytes } = request;
  const where = `${collective} on ${topology.name}`;
  if (!Number.isInteger(ranks) || ranks < 2 || ranks > topology.ranks)
    throw InputError.of(where, `${ranks} ranks`, `use 2 to ${topology.ranks}`);
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > MAX_BYTES)
    throw InputError.of(where, `${bytes} bytes`, 'use a whole number up to 2^44');
  const names = namesFor(request);
  const usable = names.filter((name) => named(collective, name).serves(ranks));
  if (usable.length === 0)
    throw InputError.of(where, `${names.join(', ')} cannot serve ${ranks} ranks`, 'choose another algorithm');
  const rings = laneDisjointRings(topology, ranks);
  return usable
    .flatMap((name) => Object.keys(topology.library.protocols).map((protocol) => run(request, name, protocol, rings)))
    .reduce((best, result) => (result.seconds < best.seconds ? result : best));
}

function namesFor({ topology, collective, algorithm }: CollectiveRequest): readonly string[] {
  if (algorithm !== undefined) return [algorithm];
  return topology.library.algorithms[collective] ?? [...ALGORITHMS[collective].keys()];
}

/** One algorithm with one protocol. */
function run(
  request: CollectiveRequest,
  name: string,
  protocol: string,
  rings: readonly (readonly number[])[],
): CollectiveResult {
  const { topology, collective, ranks } = request;
  const { launchUs, reduceGBps, protocols } = topology.library;
  const { messageUs, bandwidthShare } = protocols[protocol]!;
  const own = ownTorus(request, name);
  const algorithm = own === null ? named(collective, name) : torus(own);
  const bytes = collective === 'barrier' ? 0 : request.bytes;
  const channels =
    own !== null ? bothDirections(ranks) : algorithm.usesAllLinks ? parallelLanes(topology, ranks) : rings;
  const slowest = slowestNeighbours(topology, rings);
  const terms = {
    alpha: messageUs * 1e-6 + slowest.latencySeconds,
    beta: slowest.secondsPerByte / bandwidthShare / channels.length,
    gamma: reduceGBps === null ? 0 : 1e-9 / reduceGBps,
    ranks,
    bytes,
  };
  const cost = (segments: number): number => algorithm.cost({ ...terms, segments });
  const segments = algorithm.segmentCounts.reduce((best, count) => (cost(count) < cost(best) ? count : best));
  const handover = {
    messageSeconds: messageUs * 1e-6,
    bandwidthShare,
    // The channels of a rank share its rate.
    reduceSecondsPerByte: terms.gamma * channels.length,
  };
  const played = play(topology, algorithm.schedule(ranks, segments), channels, bytes, handover);
  return {
    seconds: launchUs * 1e-6 + played.seconds,
    algorithm: name,
    protocol,
    channels: channels.length,
    segments,
    formulaSeconds: launchUs * 1e-6 + cost(segments),
    linkBytes: played.linkBytes,
    linkBusySeconds: played.linkBusySeconds,
  };
}

/** Sides of the torus, if the algorithm is the one that follows them and all its ranks take part. */
function ownTorus({ topology, collective, ranks }: CollectiveRequest, name: string): Topology['torus'] {
  return collective === 'all-reduce' && name === 'torus-2d' && ranks === topology.ranks ? topology.torus : null;
}

/** A torus as counted, and turned round, so that the rings of both channels run in opposite directions. */
function bothDirections(ranks: number): number[][] {
  return [range(0, ranks), range(0, ranks).reverse()];
}

/** The longest latency and the lowest rate on the ways from each rank to the next of its ring. */
function slowestNeighbours(
  topology: Topology,
  rings: readonly (readonly number[])[],
): { latencySeconds: number; secondsPerByte: number } {
  const ways = rings.flatMap((order) =>
    order.map((from, place) => wayBetween(topology, from, order[(place + 1) % order.length]!)),
  );
  return {
    latencySeconds: Math.max(...ways.map((way) => way.reduce((sum, link) => sum + link.latencySeconds, 0))),
    secondsPerByte: Math.max(...ways.flat().map((link) => link.secondsPerByte)),
  };
}

/** As many channels as the thinnest link has lanes, all with the ranks as counted. */
function parallelLanes({ links }: Topology, ranks: number): number[][] {
  const lanes = Math.min(...links.map((link) => link.lanes));
  return range(0, lanes).map(() => range(0, ranks));
}
