import { ceilLog2, type Message, modulo, range } from '../schedule.ts';

/** Messages that spread, collect or reduce blocks: rank r has or gets block r. */

/** Rank 0 sends every rank its block. */
export function flatScatter(ranks: number): Message[] {
  return range(1, ranks - 1).map((to) => ({ step: to - 1, from: 0, to, blocks: [to], reduce: false }));
}

/** Blocks travel down a line, the farthest first. */
export function chainScatter(ranks: number): Message[] {
  return range(1, ranks - 1).flatMap((block) =>
    range(0, block).map((from) => ({
      step: ranks - 1 - block + from,
      from,
      to: from + 1,
      blocks: [block],
      reduce: false,
    })),
  );
}

/** A rank passes on the upper half of the blocks it has. */
export function binomialScatter(ranks: number): Message[] {
  const rounds = ceilLog2(ranks);
  return range(0, rounds).flatMap((step) => {
    const half = 2 ** (rounds - 1 - step);
    return range(0, Math.ceil(ranks / (2 * half)))
      .map((index) => index * 2 * half)
      .filter((from) => from + half < ranks)
      .map((from) => ({
        step,
        from,
        to: from + half,
        blocks: range(from + half, Math.min(half, ranks - from - half)),
        reduce: false,
      }));
  });
}

/** Members of a group are ranks; `blocksOf` says which blocks belong to the member at a place. */
export interface Group {
  readonly members: readonly number[];
  readonly blocksOf: (place: number) => readonly number[];
}

/** Every rank, each with its block. */
export function everyone(ranks: number): Group {
  return { members: range(0, ranks), blocksOf: (place) => [place] };
}

/** Each member passes on to the next what it got last. */
export function ringGather({ members, blocksOf }: Group): Message[] {
  const size = members.length;
  return range(0, size - 1).flatMap((step) =>
    members.map((from, place) => ({
      step,
      from,
      to: members[(place + 1) % size]!,
      blocks: blocksOf(modulo(place - step, size)),
      reduce: false,
    })),
  );
}

/** Partial sums travel once around; the member at a place ends with the sum of its blocks. */
export function ringReduce({ members, blocksOf }: Group): Message[] {
  const size = members.length;
  return range(0, size - 1).flatMap((step) =>
    members.map((from, place) => ({
      step,
      from,
      to: members[(place + 1) % size]!,
      blocks: blocksOf(modulo(place - step - 1, size)),
      reduce: true,
    })),
  );
}

/** Pairs exchange all they have, at distances 1, 2, 4 ...; the group's size is a power of two. */
export function doublingGather({ members, blocksOf }: Group): Message[] {
  const size = members.length;
  return range(0, ceilLog2(size)).flatMap((step) => {
    const distance = 2 ** step;
    return members.map((from, place) => ({
      step,
      from,
      to: members[place ^ distance]!,
      blocks: range(place - (place % distance), distance).flatMap(blocksOf),
      reduce: false,
    }));
  });
}

/** Any number of ranks: rank r sends what it has to the rank that far before it. */
export function bruckGather(ranks: number): Message[] {
  return range(0, ceilLog2(ranks)).flatMap((step) => {
    const distance = 2 ** step;
    return range(0, ranks).map((from) => ({
      step,
      from,
      to: modulo(from - distance, ranks),
      blocks: range(from, Math.min(distance, ranks - distance)).map((block) => block % ranks),
      reduce: false,
    }));
  });
}
