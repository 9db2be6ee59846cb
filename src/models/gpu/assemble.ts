import { type Observer, STALL_CAUSES, type StallCause } from '../../events/events.ts';
import { macs } from '../../trace/facts.ts';
import type { Trace } from '../../trace/trace.ts';
import { type Account, accountOf } from './account.ts';
import { type Access, accessesOf } from './count.ts';
import { fastest } from './lower/choose.ts';
import { macsPerCycle } from './lower/gemm.ts';
import type { Call } from './lower/lower.ts';
import type { GpuSpec } from './spec.ts';
import type { SmCache } from './units/chip.ts';

const SM = 0;

/** A call as it ran. */
interface Played {
  readonly account: Account;
  readonly accesses: readonly Access[];
}

/** Runs calls one after the other, as a stream does; equal ones are simulated once. Returns the cycles until the last has ended. */
export function runCalls(
  spec: GpuSpec,
  trace: Trace,
  calls: readonly Call[],
  observer: Observer,
  { unfolded }: { readonly unfolded: boolean },
): number {
  const cache: SmCache = new Map();
  const played = new Map<string, Played>();
  let cycle = 0;
  for (const call of calls) {
    const known = played.get(call.key);
    const { account, accesses } = known ?? play(spec, trace, call, cache, unfolded);
    if (known === undefined) played.set(call.key, { account, accesses });
    const end = cycle + account.cycles;
    for (const [cause, cycles] of Object.entries(account.stallCycles) as [StallCause, number][]) {
      observer.stall(SM, call.op, STALL_CAUSES.indexOf(cause), cycle, cycles);
      cycle += cycles;
    }
    if (account.busyCycles > 0) observer.busy(SM, call.op, cycle, account.busyCycles);
    for (const { component, action, count, bytes } of accesses)
      observer.access(component, call.op, action, count, bytes);
    cycle = end;
  }
  return cycle;
}

function play(spec: GpuSpec, trace: Trace, call: Call, cache: SmCache, unfolded: boolean): Played {
  const choice = fastest(spec, call.candidates(), cache, unfolded);
  const peak = call.math === null ? 1 : macsPerCycle(spec, spec.math[call.math]!) * spec.sms;
  const account = accountOf(spec, choice, { macs: macs(trace.ops[call.op]!), macsPerCycle: peak }, cache, unfolded);
  return { account, accesses: choice.kernels.flatMap((timed) => accessesOf(spec, timed, call.math)) };
}
