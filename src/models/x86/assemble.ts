import { type Access, type Observer, STALL_CAUSES, type StallCause } from '../../events/events.ts';
import { macs } from '../../trace/facts.ts';
import type { Trace } from '../../trace/trace.ts';
import { type Account, accountOf } from './account.ts';
import { accessesOf } from './count.ts';
import type { Call } from './lower/lower.ts';
import type { SystemSpec } from './system.ts';
import type { Pipeline } from './units/pipeline.ts';
import { fastestWay } from './units/way-time.ts';

const CORES = 0;

/** A call as it ran. */
interface Played {
  readonly account: Account;
  readonly accesses: readonly Access[];
}

/** What a run took, and multiply-adds that ops did without: op -> multiply-adds. */
export interface CallsRun {
  readonly cycles: number;
  readonly savedMacs: ReadonlyMap<number, number>;
}

/** Runs calls one after the other; equal calls are simulated once. */
export function runCalls(
  system: SystemSpec,
  trace: Trace,
  calls: readonly Call[],
  macsPerCycle: (call: Call) => number,
  pipeline: Pipeline,
  observer: Observer,
): CallsRun {
  const savedMacs = new Map<number, number>();
  const played = new Map<string, Played>();
  let cycle = 0;
  for (const call of calls) {
    const now = played.get(call.key) ?? play(system, trace, call, macsPerCycle(call), pipeline);
    played.set(call.key, now);
    const { stallCycles, busyCycles } = now.account;
    if (now.account.savedMacs > 0) savedMacs.set(call.op, now.account.savedMacs);
    for (const [cause, cycles] of Object.entries(stallCycles) as [StallCause, number][]) {
      observer.stall(CORES, call.op, STALL_CAUSES.indexOf(cause), cycle, cycles);
      cycle += cycles;
    }
    if (busyCycles > 0) observer.busy(CORES, call.op, cycle, busyCycles);
    cycle += busyCycles;
    for (const { component, action, count, bytes } of now.accesses)
      observer.access(component, call.op, action, count, bytes);
  }
  return { cycles: cycle, savedMacs };
}

function play(system: SystemSpec, trace: Trace, call: Call, macsPerCycle: number, pipeline: Pipeline): Played {
  const timed = fastestWay(call.ways(), pipeline, system);
  const work = macs(trace.ops[call.op]!);
  const account = accountOf(timed, { macs: work, macsPerCycle }, system);
  return { account, accesses: accessesOf(timed, account.usefulMacs, call.format, pipeline, system) };
}
