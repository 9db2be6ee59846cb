import { ceilLog2, type Message, range } from '../schedule.ts';

/** All-to-all: block s x ranks + d goes from rank s to rank d. */

/** In each step every rank sends to the one that many places on. */
export function pairwise(ranks: number): Message[] {
  return range(1, ranks - 1).flatMap((distance) =>
    range(0, ranks).map((from) => {
      const to = (from + distance) % ranks;
      return { step: distance - 1, from, to, blocks: [from * ranks + to], reduce: false };
    }),
  );
}

/** All messages at once. */
export function linear(ranks: number): Message[] {
  return pairwise(ranks).map((message) => ({ ...message, step: 0 }));
}

/** A block that must go d places on travels the powers of two that make up d, sharing messages with others. */
export function bruckAllToAll(ranks: number): Message[] {
  return range(0, ceilLog2(ranks)).flatMap((step) => {
    const distance = 2 ** step;
    return range(0, ranks).map((from) => {
      const blocks = range(0, ranks)
        .filter((places) => (places & distance) !== 0)
        .map((places) => {
          const source = (from - (places & (distance - 1)) + ranks) % ranks;
          return source * ranks + ((source + places) % ranks);
        });
      return { step, from, to: (from + distance) % ranks, blocks, reduce: false };
    });
  });
}

/** Barrier: in each step every rank signals the one that power of two on; after the last, all know of all. */
export function dissemination(ranks: number): Message[] {
  return range(0, ceilLog2(ranks)).flatMap((step) =>
    range(0, ranks).map((from) => ({ step, from, to: (from + 2 ** step) % ranks, blocks: [], reduce: false })),
  );
}

/** The same messages without content. */
export function signals(messages: readonly Message[]): Message[] {
  return messages.map((message) => ({ ...message, blocks: [], reduce: false }));
}
