import * as allReduce from '../messages/all-reduce.ts';
import * as blocks from '../messages/blocks.ts';
import * as trees from '../messages/trees.ts';
import { floorLog2, inSequence, range, reversed } from '../schedule.ts';
import {
  type Algorithm,
  algorithm,
  EVEN_SEGMENTS,
  foldCost,
  L,
  never,
  of,
  part,
  powerOfTwo,
  segmented,
} from './algorithm.ts';

/** The two-dimensional algorithm on a torus with these sides. */
export function torus({ rows, columns }: { readonly rows: number; readonly columns: number }): Algorithm {
  return algorithm(
    of(() => allReduce.torus(rows, columns)),
    ({ alpha, beta, gamma, ranks, bytes }) =>
      2 * (rows + columns - 2) * alpha + ((ranks - 1) / ranks) * (2 * beta + gamma) * bytes,
  );
}

export const ALL_REDUCES = [
  [
    'ring',
    algorithm(
      of(allReduce.ring),
      ({ alpha, beta, gamma, ranks, bytes }) =>
        2 * (ranks - 1) * alpha + ((ranks - 1) / ranks) * (2 * beta + gamma) * bytes,
    ),
  ],
  [
    'recursive-doubling',
    algorithm(of(allReduce.recursiveDoubling, 1), (terms) => {
      const { alpha, beta, gamma, ranks, bytes } = terms;
      return floorLog2(ranks) * (alpha + (beta + gamma) * bytes) + foldCost(terms, 2);
    }),
  ],
  [
    'rabenseifner',
    algorithm(
      (ranks) => ({ ranks, vectorBlocks: 2 ** floorLog2(ranks), messages: allReduce.rabenseifner(ranks) }),
      (terms) => {
        const { alpha, beta, gamma, ranks, bytes } = terms;
        const parts = 2 ** floorLog2(ranks);
        return 2 * L(parts) * alpha + ((parts - 1) / parts) * (2 * beta + gamma) * bytes + foldCost(terms, 2);
      },
    ),
  ],
  [
    'binary-blocks',
    algorithm(
      (ranks) => ({ ranks, vectorBlocks: 2 ** floorLog2(ranks), messages: allReduce.binaryBlocks(ranks) }),
      ({ alpha, beta, gamma, ranks, bytes }) => {
        const sizes = allReduce.binaryBlockSizes(ranks);
        const parts = sizes[0]!;
        const within = 2 * L(parts) * alpha + ((parts - 1) / parts) * (2 * beta + gamma) * bytes;
        return sizes.slice(1).reduce((sum, size, index) => {
          const ratio = sizes[index]! / size;
          return sum + 2 * ratio * alpha + ((2 * beta + gamma) * bytes) / size;
        }, within);
      },
      { exact: powerOfTwo },
    ),
  ],
  [
    'reduce-broadcast',
    algorithm(
      of((ranks) => inSequence(reversed(trees.binomial(ranks), true), trees.binomial(ranks)), 1),
      ({ alpha, beta, gamma, ranks, bytes }) => L(ranks) * (2 * alpha + (2 * beta + gamma) * bytes),
    ),
  ],
  [
    'all-gather-reduce',
    algorithm(
      of((ranks) => {
        // A rank adds the vectors that it got to the sum in block 0, which begins with rank 0's.
        const own = allReduce.ownSums(range(0, ranks), range(1, ranks - 1));
        return inSequence(blocks.bruckGather(ranks), own);
      }, 1),
      ({ alpha, beta, gamma, ranks, bytes }) => L(ranks) * alpha + (ranks - 1) * (beta + gamma) * bytes,
    ),
  ],
  [
    'bruck',
    algorithm(of(allReduce.bruck, 1), ({ alpha, beta, gamma, ranks, bytes }) => {
      return L(ranks) * (alpha + (beta + gamma) * bytes) + gamma * bytes;
    }),
  ],
  [
    'torus-2d',
    algorithm(
      (ranks) => torus(allReduce.squarestTorus(ranks)).schedule(ranks, 1),
      (terms) => torus(allReduce.squarestTorus(terms.ranks)).cost(terms),
    ),
  ],
  [
    'double-binary-tree',
    algorithm(
      segmented((ranks, segments) => {
        const down = trees.doubleBinary(ranks, segments);
        return inSequence(reversed(down, true), down);
      }),
      ({ alpha, beta, gamma, ranks, bytes, segments }) =>
        (2 * trees.doubleBinaryDepth(ranks) + segments - 2) * (2 * alpha + ((2 * beta + gamma) * bytes) / segments),
      { exact: never, segmentCounts: EVEN_SEGMENTS },
    ),
  ],
  [
    'direct',
    algorithm(
      of(allReduce.direct),
      ({ alpha, beta, gamma, ranks, bytes }) =>
        2 * part(alpha, beta, bytes, ranks) + ((ranks - 1) / ranks) * gamma * bytes,
      { usesAllLinks: true },
    ),
  ],
] as const;
