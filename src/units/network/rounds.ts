import type { Message, Schedule } from './schedule.ts';

/**
 * A schedule as the ranks see it: what a rank does in one step is a round of that rank, and its rounds follow each other.
 * A message belongs to a round of its sender and one of its receiver.
 */
export interface Rounds {
  /** In order of steps. */
  readonly messages: readonly Message[];
  readonly fromRound: Int32Array;
  readonly toRound: Int32Array;
  /** Messages of each round. */
  readonly members: readonly (readonly number[])[];
  /** The same rank's next round, -1 after its last. */
  readonly next: Int32Array;
  /** First round of each rank, -1 if it takes no part. */
  readonly first: Int32Array;
}

export function roundsOf({ ranks, messages: unordered }: Schedule): Rounds {
  const messages = [...unordered].sort((left, right) => left.step - right.step);
  const fromRound = new Int32Array(messages.length);
  const toRound = new Int32Array(messages.length);
  const members: number[][] = [];
  const next: number[] = [];
  const first = new Int32Array(ranks).fill(-1);
  const current = new Int32Array(ranks).fill(-1);
  const lastStep = new Int32Array(ranks).fill(-1);
  const join = (rank: number, message: number): number => {
    const { step } = messages[message]!;
    if (lastStep[rank] !== step) {
      const round = members.length;
      members.push([]);
      next.push(-1);
      if (current[rank] === -1) first[rank] = round;
      else next[current[rank]!] = round;
      current[rank] = round;
      lastStep[rank] = step;
    }
    members[current[rank]!]!.push(message);
    return current[rank]!;
  };
  messages.forEach(({ from, to }, index) => {
    fromRound[index] = join(from, index);
    toRound[index] = from === to ? fromRound[index]! : join(to, index);
  });
  return { messages, fromRound, toRound, members, next: Int32Array.from(next), first };
}
