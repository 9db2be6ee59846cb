import { Deadlock } from '../../errors.ts';
import type { RankRun, RankTimes } from './assemble.ts';

/**
 * Runs ranks that send each other messages, each until it waits for one that has not been sent yet, in turns. Throws Deadlock if all that
 * are left wait.
 */
export function runTogether(runs: readonly RankRun[]): RankTimes[] {
  const times: RankTimes[] = [];
  const asked: string[] = [];
  let left = runs.map((_, rank) => rank);
  while (left.length > 0) {
    const before = left.map((rank) => asked[rank]).join();
    const waiting = left.filter((rank) => {
      const step = runs[rank]!.next();
      if (step.done === true) times[rank] = step.value;
      else asked[rank] = step.value;
      return step.done !== true;
    });
    if (waiting.length === left.length && before === waiting.map((rank) => asked[rank]).join())
      throw new Deadlock(
        0,
        waiting.map((rank) => `rank ${rank} waits for the message ${asked[rank]}`),
      );
    left = waiting;
  }
  return times;
}
