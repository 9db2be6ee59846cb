import { ceilLog2, floorLog2, type Message, range } from '../schedule.ts';

/** Messages by which rank 0 gives blocks to all others; backwards they are the reductions. */

/** Root to every rank, one after the other. */
export function flat(ranks: number): Message[] {
  return range(1, ranks - 1).map((to) => ({ step: to - 1, from: 0, to, blocks: [0], reduce: false }));
}

/** Rank to rank in a line; segments follow each other. */
export function chain(ranks: number, segments: number): Message[] {
  return range(0, ranks - 1).flatMap((from) =>
    range(0, segments).map((segment) => ({
      step: from + segment,
      from,
      to: from + 1,
      blocks: [segment],
      reduce: false,
    })),
  );
}

/** Ranks that have the data double in every step. */
export function binomial(ranks: number): Message[] {
  return range(0, ceilLog2(ranks)).flatMap((step) =>
    range(0, Math.min(2 ** step, ranks - 2 ** step)).map((from) => ({
      step,
      from,
      to: from + 2 ** step,
      blocks: [0],
      reduce: false,
    })),
  );
}

/** Levels below the root of a tree of `ranks` nodes filled level by level. */
export function depthOf(ranks: number, arity: number): number {
  let depth = 0;
  for (let last = ranks - 1; last > 0; last = Math.floor((last - 1) / arity)) depth++;
  return depth;
}

/** true: every level of the tree is full. */
export function isFull(ranks: number, arity: number): boolean {
  return depthOf(ranks + 1, arity) > depthOf(ranks, arity);
}

/** Tree filled level by level; a node gives each segment to one child after the other. */
export function nary(ranks: number, segments: number, arity: number): Message[] {
  return treeMessages(range(0, ranks), range(0, segments), arity, 0);
}

/** Segments down a tree over `members`, the first of which has them; its first message is in `firstStep`. */
function treeMessages(
  members: readonly number[],
  segments: readonly number[],
  arity: number,
  firstStep: number,
): Message[] {
  return range(1, members.length - 1).flatMap((node) => {
    const parent = Math.floor((node - 1) / arity);
    const depth = depthOf(parent + 1, arity);
    const child = node - 1 - parent * arity;
    return segments.map((segment, index) => ({
      step: firstStep + arity * (depth + index) + child,
      from: members[parent]!,
      to: members[node]!,
      blocks: [segment],
      reduce: false,
    }));
  });
}

/**
 * The two halves of the vector go down the two halves of a binary tree; at the end each rank trades with its mirror image. The
 * left half may have a rank more: the root gives it what it lacks.
 */
export function splitBinary(ranks: number, segments: number): Message[] {
  const halves = [range(0, segments / 2), range(segments / 2, segments / 2)] as const;
  const leftCount = Math.ceil((ranks - 1) / 2);
  const sides = [range(1, leftCount), range(1 + leftCount, ranks - 1 - leftCount)] as const;
  const down = sides.flatMap((members, side) =>
    members.length === 0
      ? []
      : [
          ...halves[side]!.map((segment, index) => ({
            step: 2 * index + side,
            from: 0,
            to: members[0]!,
            blocks: [segment],
            reduce: false,
          })),
          ...treeMessages(members, halves[side]!, 2, 2),
        ],
  );
  const trade = sides[0].flatMap((left, index) => {
    const right = sides[1][index];
    const toLeft = { step: 0, from: right ?? 0, to: left, blocks: halves[1], reduce: false };
    return right === undefined ? [toLeft] : [toLeft, { ...toLeft, from: left, to: right, blocks: halves[0] }];
  });
  const steps = down.reduce((last, message) => Math.max(last, message.step + 1), 0);
  return [...down, ...trade.map((message) => ({ ...message, step: steps }))];
}

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/** In-order binary tree over first ... last, reached from `parent`: every odd place is a leaf. */
function inOrder(first: number, last: number, parent: number, depth: number): Edge[] {
  if (first > last) return [];
  const root = first - 1 + 2 ** floorLog2(last - first + 1);
  const edge = { from: parent, to: root, depth };
  return [edge, ...inOrder(first, root - 1, root, depth + 1), ...inOrder(root + 1, last, root, depth + 1)];
}

/** Alternates the two steps of a period along every path of edges, so that no rank sends twice or receives twice in one. */
function colour(trees: readonly (readonly Edge[])[]): Map<Edge, number> {
  const edges = trees.flat();
  const colours = new Map<Edge, number>();
  const neighbours = (edge: Edge): Edge[] =>
    edges.filter((other) => other !== edge && (other.from === edge.from || other.to === edge.to));
  for (const start of edges) {
    if (colours.has(start)) continue;
    colours.set(start, 0);
    const open = [start];
    for (let edge = open.pop(); edge !== undefined; edge = open.pop()) {
      for (const next of neighbours(edge)) {
        if (colours.has(next)) continue;
        colours.set(next, 1 - colours.get(edge)!);
        open.push(next);
      }
    }
  }
  return colours;
}

/**
 * Two trees, each with half the segments, in which every rank but the root has children in one at most (Sanders, Speck and
 * Traeff, "Two-tree algorithms for full bandwidth broadcast, reduction and scan", Parallel Computing 35, 2009).
 */
export function doubleBinary(ranks: number, segments: number): Message[] {
  const others = ranks - 1;
  const first = inOrder(1, others, 0, 0);
  // Even number: the mirror image turns odd places into even ones; odd: a shift by one does.
  const place = (rank: number): number => (rank === 0 ? 0 : others % 2 === 0 ? others + 1 - rank : (rank % others) + 1);
  const second = first.map(({ from, to, depth }) => ({ from: place(from), to: place(to), depth }));
  const colours = colour([first, second]);
  return [first, second].flatMap((tree, index) =>
    tree.flatMap((edge) =>
      range(0, segments / 2).map((segment) => ({
        step: 2 * (edge.depth + segment) + colours.get(edge)!,
        from: edge.from,
        to: edge.to,
        blocks: [segment + (index * segments) / 2],
        reduce: false,
      })),
    ),
  );
}

/** Levels of `doubleBinary` below the root. */
export function doubleBinaryDepth(ranks: number): number {
  return 1 + floorLog2(ranks - 1);
}
