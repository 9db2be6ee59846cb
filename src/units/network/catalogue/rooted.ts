import * as allReduce from '../messages/all-reduce.ts';
import * as blocks from '../messages/blocks.ts';
import * as trees from '../messages/trees.ts';
import { floorLog2, inSequence, type Message, range, reversed } from '../schedule.ts';
import {
  adding,
  type Algorithm,
  algorithm,
  ANY_SEGMENTS,
  doublingCost,
  EVEN_SEGMENTS,
  foldCost,
  L,
  never,
  of,
  part,
  ringCost,
  segmented,
} from './algorithm.ts';

/** Children of a node of the tree that is called n-ary. */
const NODE_CHILDREN = 4;

/** Messages in which place i is members[i]. */
function renamed(messages: readonly Message[], members: readonly number[]): Message[] {
  return messages.map((message) => ({ ...message, from: members[message.from]!, to: members[message.to]! }));
}

/** A broadcast, and the reduction that is the same backwards. */
function bothWays(name: string, forth: Algorithm): { down: [string, Algorithm]; up: [string, Algorithm] } {
  const schedule: Algorithm['schedule'] = (ranks, segments) => {
    const { messages, vectorBlocks } = forth.schedule(ranks, segments);
    return { ranks, vectorBlocks, messages: reversed(messages, true) };
  };
  return { down: [name, forth], up: [name, { ...forth, schedule, cost: adding(forth.cost) }] };
}

function naryTree(arity: number): Algorithm {
  return algorithm(
    segmented((ranks, segments) => trees.nary(ranks, segments, arity)),
    ({ alpha, beta, ranks, bytes, segments }) =>
      Math.min(arity, ranks - 1) * (trees.depthOf(ranks, arity) + segments - 1) * part(alpha, beta, bytes, segments),
    // Where the last level has gaps, the last rank may have its data before the formula says.
    { exact: (ranks) => ranks - 1 <= arity || trees.isFull(ranks, arity), segmentCounts: ANY_SEGMENTS },
  );
}

const TREES = [
  bothWays(
    'flat',
    algorithm(of(trees.flat, 1), ({ alpha, beta, ranks, bytes }) => (ranks - 1) * (alpha + beta * bytes)),
  ),
  bothWays(
    'chain',
    algorithm(
      segmented(trees.chain),
      ({ alpha, beta, ranks, bytes, segments }) => (ranks + segments - 2) * part(alpha, beta, bytes, segments),
      { segmentCounts: ANY_SEGMENTS },
    ),
  ),
  bothWays('binary-tree', naryTree(2)),
  bothWays('n-ary-tree', naryTree(NODE_CHILDREN)),
  bothWays(
    'binomial',
    algorithm(of(trees.binomial, 1), ({ alpha, beta, ranks, bytes }) => L(ranks) * (alpha + beta * bytes)),
  ),
  bothWays(
    'double-binary-tree',
    algorithm(
      segmented(trees.doubleBinary),
      ({ alpha, beta, ranks, bytes, segments }) =>
        (2 * trees.doubleBinaryDepth(ranks) + segments - 2) * part(alpha, beta, bytes, segments),
      { exact: never, segmentCounts: EVEN_SEGMENTS },
    ),
  ),
];

export const BROADCASTS = [
  ...TREES.map(({ down }) => down),
  [
    'split-binary-tree',
    algorithm(
      segmented(trees.splitBinary),
      ({ alpha, beta, ranks, bytes, segments }) =>
        (L(ranks + 1) + segments / 2 - 2) * 2 * part(alpha, beta, bytes, segments) + alpha + (beta * bytes) / 2,
      { exact: never, segmentCounts: EVEN_SEGMENTS },
    ),
  ] as const,
  [
    'van-de-geijn',
    algorithm(
      of((ranks) => inSequence(blocks.binomialScatter(ranks), blocks.ringGather(blocks.everyone(ranks)))),
      ({ alpha, beta, ranks, bytes }) => (L(ranks) + ranks - 1) * alpha + ((2 * (ranks - 1)) / ranks) * beta * bytes,
    ),
  ] as const,
];

export const REDUCTIONS = [
  ...TREES.map(({ up }) => up),
  [
    'gather-reduce',
    algorithm(
      of(
        (ranks) =>
          inSequence(reversed(blocks.binomialScatter(ranks), false), allReduce.ownSums([0], range(1, ranks - 1))),
        1,
      ),
      ({ alpha, beta, gamma, ranks, bytes }) => L(ranks) * alpha + (ranks - 1) * (beta + gamma) * bytes,
    ),
  ] as const,
  [
    'rabenseifner',
    algorithm(
      (ranks) => {
        const parts = 2 ** floorLog2(ranks);
        const { fold, members } = allReduce.folded(ranks, range(0, parts));
        const gather = blocks.doublingGather({ members, blocksOf: (place) => [place] });
        const collect = renamed(reversed(blocks.binomialScatter(parts), false), members);
        return { ranks, vectorBlocks: parts, messages: inSequence(fold, reversed(gather, true), collect) };
      },
      (terms) => {
        const { alpha, beta, gamma, ranks, bytes } = terms;
        const parts = 2 ** floorLog2(ranks);
        const share = (parts - 1) / parts;
        return 2 * L(parts) * alpha + share * (2 * beta + gamma) * bytes + foldCost(terms, 1);
      },
    ),
  ] as const,
];

export const SCATTERS: readonly (readonly [string, (ranks: number) => Message[], Algorithm['cost']])[] = [
  ['flat', blocks.flatScatter, ringCost],
  ['chain', blocks.chainScatter, ringCost],
  ['binomial', blocks.binomialScatter, doublingCost],
];
