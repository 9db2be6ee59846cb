import type { Message, Schedule } from '../../../src/units/network/schedule.ts';

/** What a rank holds of a block: how often each rank's contribution is in it. */
export type Sum = ReadonlyMap<number, number>;
/** Blocks that a rank holds. */
export type Holding = Map<number, Sum>;

export function added(sums: readonly Sum[]): Sum {
  const result = new Map<number, number>();
  for (const sum of sums) for (const [rank, times] of sum) result.set(rank, (result.get(rank) ?? 0) + times);
  return result;
}

/** Carries out a schedule, step by step, on what the ranks hold: every message takes what was there before the step. */
export function carryOut({ messages }: Schedule, start: readonly Holding[]): Holding[] {
  const steps = new Map<number, Message[]>();
  for (const message of messages) steps.set(message.step, [...(steps.get(message.step) ?? []), message]);
  let now = start;
  for (const step of [...steps.keys()].sort((left, right) => left - right)) {
    const next = now.map((holding) => new Map(holding));
    for (const { from, to, blocks, reduce, into } of steps.get(step)!) {
      const sent = blocks.map((block) => {
        const sum = now[from]!.get(block);
        // A partial sum that nothing has been added to yet is zero.
        if (sum === undefined && into === undefined) throw new Error(`rank ${from} does not hold block ${block}`);
        return sum ?? new Map<number, number>();
      });
      const parts =
        into === undefined
          ? blocks.map((block, index) => [block, sent[index]!] as const)
          : [[into, added(sent)] as const];
      for (const [block, sum] of parts) {
        next[to]!.set(block, reduce ? added([next[to]!.get(block) ?? new Map(), sum]) : sum);
      }
    }
    now = next;
  }
  return [...now];
}
