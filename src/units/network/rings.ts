import { range } from './schedule.ts';
import type { Topology } from './topology.ts';

/** Nodes that the search for one ring may visit: the rings of the networks that ship take a few dozen. */
const MAX_VISITS = 20_000;
/** As many as NCCL had at most in 2020: MAXCHANNELS. */
const MAX_CHANNELS = 32;

/**
 * Orders of the first `ranks` ranks, from rank 0, in which each is linked with the next and the last with the first, so that no
 * two orders need the same lane: what a library uses as channels. One order, as counted, if there is no such ring.
 */
export function laneDisjointRings({ links, nodes }: Topology, ranks: number): number[][] {
  const free = new Int32Array(nodes * nodes);
  for (const { from, to, lanes } of links) free[from * nodes + to]! += lanes;
  const take = (order: readonly number[]): boolean => {
    const arcs = order.map((from, place) => from * nodes + order[(place + 1) % ranks]!);
    if (arcs.some((arc) => free[arc]! < 1)) return false;
    for (const arc of arcs) free[arc]!--;
    return true;
  };
  const rings: number[][] = [];
  for (let order = findRing(free, nodes, ranks); order !== null; order = findRing(free, nodes, ranks)) {
    const backwards = [order[0]!, ...order.slice(1).reverse()];
    for (const ring of [order, backwards]) if (rings.length < MAX_CHANNELS && take(ring)) rings.push(ring);
    if (rings.length === MAX_CHANNELS) break;
  }
  return rings.length > 0 ? rings : [range(0, ranks)];
}

/** Depth first, along the arcs with the most free lanes first so that later rings find some too. */
function findRing(free: Int32Array, nodes: number, ranks: number): number[] | null {
  const order = [0];
  const visited = new Set(order);
  let visits = 0;
  const extend = (): boolean => {
    const last = order.at(-1)!;
    if (order.length === ranks) return free[last * nodes]! > 0;
    const candidates = range(1, ranks - 1)
      .filter((rank) => !visited.has(rank) && free[last * nodes + rank]! > 0)
      .sort((left, right) => free[last * nodes + right]! - free[last * nodes + left]! || left - right);
    for (const rank of candidates) {
      if (visits++ >= MAX_VISITS) return false;
      order.push(rank);
      visited.add(rank);
      if (extend()) return true;
      order.pop();
      visited.delete(rank);
    }
    return false;
  };
  return extend() ? order : null;
}
