import { ceilLog2, floorLog2, inSequence, type Message, modulo, range, reversed } from '../schedule.ts';
import { doublingGather, everyone, type Group, ringGather, ringReduce } from './blocks.ts';

/** Sum over all ranks of every block, on every rank. */

/** Once around to add, once around to tell. */
export function ring(ranks: number): Message[] {
  return inSequence(ringReduce(everyone(ranks)), ringGather(everyone(ranks)));
}

/** Every rank sends every other its block, and the sum of its own back: two steps where all ranks are linked to all. */
export function direct(ranks: number): Message[] {
  const pairs = range(0, ranks).flatMap((from) =>
    range(1, ranks - 1).map((distance) => ({ from, to: (from + distance) % ranks })),
  );
  return [
    ...pairs.map(({ from, to }) => ({ step: 0, from, to, blocks: [to], reduce: true })),
    ...pairs.map(({ from, to }) => ({ step: 1, from, to, blocks: [from], reduce: false })),
  ];
}

/** Rows of the torus add and scatter, then columns; then columns and rows gather. Rank = row x columns + column. */
export function torus(rows: number, columns: number): Message[] {
  const blocks = range(0, rows * columns);
  const rowGroups: Group[] = range(0, rows).map((row) => ({
    members: range(row * columns, columns),
    blocksOf: (column) => blocks.filter((block) => block % columns === column),
  }));
  const columnGroups: Group[] = range(0, columns).map((column) => ({
    members: range(0, rows).map((row) => row * columns + column),
    blocksOf: (row) => [row * columns + column],
  }));
  return inSequence(
    rowGroups.flatMap(ringReduce),
    columnGroups.flatMap(ringReduce),
    columnGroups.flatMap(ringGather),
    rowGroups.flatMap(ringGather),
  );
}

/** Sides of the squarest torus of so many ranks. */
export function squarestTorus(ranks: number): { rows: number; columns: number } {
  let rows = Math.floor(Math.sqrt(ranks));
  while (ranks % rows !== 0) rows--;
  return { rows, columns: ranks / rows };
}

/** Leaves a power of two of members: of the first ranks, every second one adds to its neighbour. */
export function folded(ranks: number, blocks: readonly number[]): { fold: Message[]; members: number[] } {
  const extra = ranks - 2 ** floorLog2(ranks);
  return {
    fold: range(0, extra).map((pair) => ({ step: 0, from: 2 * pair + 1, to: 2 * pair, blocks, reduce: true })),
    members: range(0, ranks).filter((rank) => rank >= 2 * extra || rank % 2 === 0),
  };
}

/** Pairs exchange and add whole vectors, at distances 1, 2, 4 ...; ranks beyond a power of two add first and are told last. */
export function recursiveDoubling(ranks: number): Message[] {
  const { fold, members } = folded(ranks, [0]);
  const exchange = range(0, floorLog2(ranks)).flatMap((step) =>
    members.map((from, place) => ({ step, from, to: members[place ^ (2 ** step)]!, blocks: [0], reduce: true })),
  );
  return inSequence(fold, exchange, reversed(fold, false));
}

/** Rabenseifner: halves are exchanged and added until each rank has the sum of one part; the parts are gathered likewise. */
export function rabenseifner(ranks: number): Message[] {
  const { fold, members } = folded(ranks, range(0, 2 ** floorLog2(ranks)));
  const gather = doublingGather({ members, blocksOf: (place) => [place] });
  return inSequence(fold, reversed(gather, true), gather, reversed(fold, false));
}

/** Parts of a number of ranks that are powers of two, the largest first. */
export function binaryBlockSizes(ranks: number): number[] {
  return range(0, 1 + floorLog2(ranks))
    .map((bit) => 2 ** bit)
    .filter((size) => (ranks & size) !== 0)
    .reverse();
}

/** Ranks are split into blocks of powers of two; each adds and scatters within, and hands its sums to the next larger block. */
export function binaryBlocks(ranks: number): Message[] {
  const sizes = binaryBlockSizes(ranks);
  const parts = sizes[0]!;
  const groups = sizes.map((size, index) => ({
    members: range(
      sizes.slice(0, index).reduce((sum, one) => sum + one, 0),
      size,
    ),
    blocksOf: (place: number) => range((place * parts) / size, parts / size),
  }));
  const gather = groups.flatMap(doublingGather);
  const scatter = groups.flatMap((group) => reversed(doublingGather(group), true));
  const handUp = groups.slice(1).flatMap((small, index) => {
    const large = groups[index]!;
    const ratio = large.members.length / small.members.length;
    return large.members.map((to, place) => ({
      // The smallest block begins; a block hands on what it has when it has everything from the smaller one.
      step:
        groups.slice(index + 2).reduce((sum, group, at) => {
          return sum + groups[index + 1 + at]!.members.length / group.members.length;
        }, 0) +
        (place % ratio),
      from: small.members[Math.floor(place / ratio)]!,
      to,
      blocks: large.blocksOf(place),
      reduce: true,
    }));
  });
  return inSequence(scatter, handUp, reversed(handUp, false), gather);
}

/**
 * Bruck's pattern for any number of ranks. Block 1 of rank r gathers the sum of the ranks after it: as many as the leading
 * bits of ranks - 1 say. Doubling takes the neighbour's block 1; a bit that is set takes the neighbour's own value with it.
 */
export function bruck(ranks: number): Message[] {
  const bits = ceilLog2(ranks);
  let summed = 0;
  const messages = range(0, bits).flatMap((step) => {
    const withOwn = ((ranks - 1) >> (bits - 1 - step)) & 1;
    const distance = summed + withOwn;
    const blocks = summed === 0 ? [0] : withOwn === 1 ? [0, 1] : [1];
    summed += distance;
    return range(0, ranks).map((from) => ({
      step,
      from,
      to: modulo(from - distance, ranks),
      blocks,
      reduce: true,
      into: 1,
    }));
  });
  return inSequence(messages, ownSums(range(0, ranks), [1]));
}

/** Each rank adds blocks that it holds into block 0. */
export function ownSums(members: readonly number[], blocks: readonly number[]): Message[] {
  return members.map((rank) => ({ step: 0, from: rank, to: rank, blocks, reduce: true, into: 0 }));
}
