import { InputError } from '../../errors.ts';
import { range } from './schedule.ts';
import type { Layout, NetworkSpec } from './spec.ts';

/** One direction between two nodes. */
export interface Link {
  readonly from: number;
  readonly to: number;
  /** Each message takes one lane. */
  readonly lanes: number;
  readonly latencySeconds: number;
  /** Data on one lane. */
  readonly secondsPerByte: number;
}

/** Nodes, links and the way from any node to any other. Ranks are nodes 0 ... ranks - 1. */
export interface Topology {
  readonly name: string;
  readonly ranks: number;
  readonly nodes: number;
  readonly links: readonly Link[];
  /** Link to take at `node` towards `target`, at [node x nodes + target]; the node itself has none (0). */
  readonly routes: Int32Array;
  readonly library: NetworkSpec['library'];
  /** Sides, if it is a torus. */
  readonly torus: { readonly rows: number; readonly columns: number } | null;
}

interface Edge {
  readonly between: readonly [number, number];
  readonly link: string;
  readonly lanes: number;
}

function pairs(nodes: readonly number[]): [number, number][] {
  return nodes.flatMap((left, index) => nodes.slice(index + 1).map((right): [number, number] => [left, right]));
}

/** Neighbours around a circle; two nodes are linked once. */
function circle(nodes: readonly number[]): [number, number][] {
  const last = nodes.length === 2 ? 1 : nodes.length;
  return nodes.length < 2 ? [] : nodes.slice(0, last).map((node, index) => [node, nodes[(index + 1) % nodes.length]!]);
}

function edgesOf(layout: Layout, ranks: number): readonly Edge[] {
  const all = range(0, ranks);
  const linked = (list: [number, number][], { link, lanes }: { link: string; lanes: number }): Edge[] =>
    list.map((between) => ({ between, link, lanes }));
  switch (layout.kind) {
    case 'all-to-all':
      return linked(pairs(all), layout);
    case 'ring':
      return linked(circle(all), layout);
    case 'torus': {
      const { rows, columns } = layout;
      const rowCircles = range(0, rows).flatMap((row) => circle(range(row * columns, columns)));
      const columnCircles = range(0, columns).flatMap((column) =>
        circle(range(0, rows).map((row) => row * columns + column)),
      );
      return linked([...rowCircles, ...columnCircles], layout);
    }
    case 'hosts': {
      const hub = (rank: number): number => ranks + Math.floor((rank * layout.hosts) / ranks);
      const local = all.map((rank): [number, number] => [rank, hub(rank)]);
      const between = pairs(range(ranks, layout.hosts));
      return [...linked(local, layout), ...linked(between, { link: layout.uplink, lanes: 1 })];
    }
    case 'edges':
      return layout.edges;
  }
}

/** Builds a checked network. Throws InputError if two ranks are not connected. */
export function buildTopology(name: string, spec: NetworkSpec): Topology {
  const { ranks, layout, library } = spec;
  const edges = edgesOf(layout, ranks);
  const nodes = 1 + edges.reduce((last, { between }) => Math.max(last, ...between), ranks - 1);
  const links = edges.flatMap(({ between: [left, right], link, lanes }) => {
    const { latencyNs, bandwidthGBps, payloadShare } = spec.links[link]!;
    const properties = {
      lanes,
      latencySeconds: latencyNs * 1e-9,
      secondsPerByte: 1 / (bandwidthGBps * 1e9 * payloadShare),
    };
    return [
      { from: left, to: right, ...properties },
      { from: right, to: left, ...properties },
    ];
  });
  const routes = shortestRoutes(nodes, links);
  const lost = range(1, ranks - 1).find((rank) => routes[rank] === -1);
  if (lost !== undefined)
    throw InputError.of(`${name}: layout`, `rank ${lost} is not connected with rank 0`, 'add an edge');
  const torus = layout.kind === 'torus' ? { rows: layout.rows, columns: layout.columns } : null;
  return { name, ranks, nodes, links, routes, library, torus };
}

/** Fewest hops; of several ways the one whose links come first. -1 where there is none. */
function shortestRoutes(nodes: number, links: readonly Link[]): Int32Array {
  const routes = new Int32Array(nodes * nodes).fill(-1);
  const arriving: number[][] = range(0, nodes).map(() => []);
  links.forEach(({ to }, index) => arriving[to]!.push(index));
  for (let target = 0; target < nodes; target++) {
    routes[target * nodes + target] = 0;
    const open = [target];
    for (let index = 0; index < open.length; index++) {
      for (const link of arriving[open[index]!]!) {
        const { from } = links[link]!;
        if (routes[from * nodes + target] !== -1) continue;
        routes[from * nodes + target] = link;
        open.push(from);
      }
    }
  }
  return routes;
}

/** The links that a message takes from one node to another. */
export function wayBetween({ links, nodes, routes }: Topology, from: number, to: number): Link[] {
  const way: Link[] = [];
  for (let node = from; node !== to; node = way.at(-1)!.to) way.push(links[routes[node * nodes + to]!]!);
  return way;
}
