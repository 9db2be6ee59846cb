import * as blocks from '../messages/blocks.ts';
import * as personal from '../messages/personal.ts';
import * as trees from '../messages/trees.ts';
import { inSequence, type Message, range, reversed } from '../schedule.ts';
import { adding, type Algorithm, algorithm, L, doublingCost, of, part, powerOfTwo, ringCost } from './algorithm.ts';

/** Messages that each carry all blocks instead of block 0. */
function carrying(messages: readonly Message[], all: readonly number[]): Message[] {
  return messages.map((message) => ({ ...message, blocks: all }));
}

export const ALL_GATHERS = [
  [
    'ring',
    algorithm(
      of((ranks) => blocks.ringGather(blocks.everyone(ranks))),
      ringCost,
    ),
  ],
  [
    'recursive-doubling',
    algorithm(
      of((ranks) => blocks.doublingGather(blocks.everyone(ranks))),
      doublingCost,
      { serves: powerOfTwo },
    ),
  ],
  ['bruck', algorithm(of(blocks.bruckGather), doublingCost)],
  [
    'gather-broadcast',
    algorithm(
      of((ranks) =>
        inSequence(reversed(blocks.binomialScatter(ranks), false), carrying(trees.binomial(ranks), range(0, ranks))),
      ),
      ({ alpha, beta, ranks, bytes }) => 2 * L(ranks) * alpha + ((ranks - 1) / ranks + L(ranks)) * beta * bytes,
    ),
  ],
] as const;

export const REDUCE_SCATTERS = [
  [
    'ring',
    algorithm(
      of((ranks) => blocks.ringReduce(blocks.everyone(ranks))),
      adding(ringCost),
    ),
  ],
  [
    'recursive-halving',
    algorithm(
      of((ranks) => reversed(blocks.doublingGather(blocks.everyone(ranks)), true)),
      adding(doublingCost),
      {
        serves: powerOfTwo,
      },
    ),
  ],
] as const;

export const ALL_TO_ALLS = [
  ['pairwise', algorithm(of(personal.pairwise), ringCost)],
  [
    'linear',
    algorithm(of(personal.linear), ({ alpha, beta, ranks, bytes }) => part(alpha, beta, bytes, ranks), {
      usesAllLinks: true,
    }),
  ],
  [
    'bruck',
    algorithm(of(personal.bruckAllToAll), ({ alpha, beta, ranks, bytes }) => L(ranks) * (alpha + (beta * bytes) / 2), {
      exact: powerOfTwo,
    }),
  ],
] as const;

const toAndFro = (tree: (ranks: number) => Message[]): Algorithm['schedule'] =>
  of((ranks) => personal.signals(inSequence(reversed(tree(ranks), false), tree(ranks))));

export const BARRIERS = [
  ['flat', algorithm(toAndFro(trees.flat), ({ alpha, ranks }) => 2 * (ranks - 1) * alpha)],
  [
    'binary-tree',
    algorithm(
      toAndFro((ranks) => trees.nary(ranks, 1, 2)),
      ({ alpha, ranks }) => 2 * Math.min(2, ranks - 1) * trees.depthOf(ranks, 2) * alpha,
      { exact: (ranks) => trees.isFull(ranks, 2) },
    ),
  ],
  // A tournament whose winners are settled beforehand sends the same messages.
  ['binomial', algorithm(toAndFro(trees.binomial), ({ alpha, ranks }) => 2 * L(ranks) * alpha)],
  ['dissemination', algorithm(of(personal.dissemination), ({ alpha, ranks }) => L(ranks) * alpha)],
] as const;
