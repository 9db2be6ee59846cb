import { type Access, type Observer, STALL_CAUSES, type StallCause } from '../../events/events.ts';
import { macs } from '../../trace/facts.ts';
import type { Trace } from '../../trace/trace.ts';
import { type Account, accountOf } from './account.ts';
import { endAmong, loadOf, type SlowSpan, slowdown } from './contention.ts';
import { accessesOf, transferAccesses } from './count.ts';
import { type Choice, fastest } from './lower/choose.ts';
import type { Transfer } from './lower/communicate.ts';
import { macsPerCycle } from './lower/gemm.ts';
import type { Call } from './lower/lower.ts';
import type { GpuSpec } from './spec.ts';
import type { SmCache } from './units/chip.ts';

export const UNITS = ['sm', 'link'] as const;
const SM = 0;
const LINK = 1;

/** A call as it ran. */
interface Played {
  readonly choice: Choice;
  readonly account: Account;
  readonly accesses: readonly Access[];
}

/** When what a transfer carries was there to be sent, and when it has arrived. */
export interface Delivery {
  readonly madeCycle: number;
  readonly endCycle: number;
}

/** What the ranks of a run have in common. */
export interface Common {
  /** Messages by the name that both ends know. */
  readonly mailbox: Map<string, Delivery>;
  readonly cache: SmCache;
}

/** What became of a rank's cycles. */
export interface RankTimes {
  readonly cycles: number;
  /** Cycles of those in which the SMs waited for other stages, and for data on its way. */
  readonly pipelineCycles: number;
  readonly communicationCycles: number;
  /** MACs that ops did without: op -> MACs. */
  readonly savedMacs: ReadonlyMap<number, number>;
}

/** A rank under way: yields the name of a message that is not in the mailbox yet, and ends with its times. */
export type RankRun = Generator<string, RankTimes>;

/**
 * Runs calls one after the other, as a stream does, and transfers one after the other on the link beside them; equal
 * calls are simulated once. A transfer starts behind the ops that stand before it; an op waits for those whose results
 * it reads.
 */
export function* runRank(
  spec: GpuSpec,
  trace: Trace,
  steps: readonly (Call | Transfer)[],
  { mailbox, cache }: Common,
  observer: Observer,
  { unfolded }: { readonly unfolded: boolean },
): RankRun {
  const played = new Map<string, Played>();
  const factors = new Map<string, number>();
  const savedMacs = new Map<number, number>();
  const deliveries = new Map<number, Delivery>();
  const awaited = new Map<number, string>();
  let underWay: { readonly transfer: Transfer; readonly startCycle: number; readonly endCycle: number }[] = [];
  let cycle = 0;
  let linkFree = 0;
  const lost = { pipeline: 0, communication: 0 };

  const stall = (op: number, cause: 'pipeline' | 'communication', until: number): void => {
    if (until <= cycle) return;
    observer.stall(SM, op, STALL_CAUSES.indexOf(cause), cycle, until - cycle);
    lost[cause] += until - cycle;
    cycle = until;
  };
  function* deliveryOf(op: number): Generator<string, Delivery> {
    const own = deliveries.get(op);
    if (own !== undefined) return own;
    const name = awaited.get(op)!;
    while (!mailbox.has(name)) yield name;
    return mailbox.get(name)!;
  }
  function* waitFor(exchanges: readonly number[], op: number): Generator<string, void> {
    for (const exchange of exchanges) {
      const { madeCycle, endCycle } = yield* deliveryOf(exchange);
      if (awaited.has(exchange)) stall(op, 'pipeline', madeCycle);
      stall(op, 'communication', endCycle);
    }
  }
  function* begin(transfer: Transfer): Generator<string, void> {
    const { op, message, seconds } = transfer;
    count(observer, op, transferAccesses(transfer));
    if (transfer.receives) {
      awaited.set(op, message!);
      return;
    }
    let madeCycle = cycle;
    for (const exchange of transfer.waitsFor) madeCycle = Math.max(madeCycle, (yield* deliveryOf(exchange)).endCycle);
    const startCycle = Math.max(madeCycle, linkFree);
    const cycles = Math.ceil(seconds * spec.clockMHz * 1e6);
    linkFree = startCycle + cycles;
    if (cycles > 0) observer.busy(LINK, op, startCycle, cycles);
    underWay.push({ transfer, startCycle, endCycle: linkFree });
    deliveries.set(op, { madeCycle, endCycle: linkFree });
    if (message !== null) mailbox.set(message, { madeCycle, endCycle: linkFree });
  }
  const slowSpans = function* (call: Call, { choice, account }: Played): Generator<SlowSpan> {
    for (const { transfer, startCycle, endCycle } of underWay) {
      const load = loadOf(transfer);
      const key = `${call.key} ${load.sms} ${load.memoryGBps}`;
      const factor = factors.get(key) ?? slowdown(spec, choice, account.cycles, load, cache, unfolded);
      factors.set(key, factor);
      yield { startCycle, endCycle, factor };
    }
  };

  for (const step of steps) {
    if (step.kind === 'transfer') {
      yield* begin(step);
      continue;
    }
    yield* waitFor(step.waitsFor, step.op);
    const now = played.get(step.key) ?? play(spec, trace, step, cache, unfolded);
    played.set(step.key, now);
    underWay = underWay.filter(({ endCycle }) => endCycle > cycle);
    const end = endAmong(cycle, now.account.cycles, slowSpans(step, now));
    cycle = charge(observer, step.op, cycle, now.account);
    if (now.account.savedMacs > 0) savedMacs.set(step.op, now.account.savedMacs);
    stall(step.op, 'communication', end);
    count(observer, step.op, now.accesses);
  }
  // What nobody waited for still has to end.
  for (const step of steps) if (step.kind === 'transfer') yield* waitFor([step.op], step.op);
  return { cycles: cycle, pipelineCycles: lost.pipeline, communicationCycles: lost.communication, savedMacs };
}

/** Charges a call's cycles to their causes, and then to computing; returns the cycle after the last. */
function charge(observer: Observer, op: number, start: number, account: Account): number {
  let cycle = start;
  for (const [cause, cycles] of Object.entries(account.stallCycles) as [StallCause, number][]) {
    observer.stall(SM, op, STALL_CAUSES.indexOf(cause), cycle, cycles);
    cycle += cycles;
  }
  if (account.busyCycles > 0) observer.busy(SM, op, cycle, account.busyCycles);
  return cycle + account.busyCycles;
}

function count(observer: Observer, op: number, accesses: readonly Access[]): void {
  for (const { component, action, count, bytes } of accesses) observer.access(component, op, action, count, bytes);
}

function play(spec: GpuSpec, trace: Trace, call: Call, cache: SmCache, unfolded: boolean): Played {
  const choice = fastest(spec, call.candidates(), cache, unfolded);
  const peak = call.math === null ? 1 : macsPerCycle(spec, spec.math[call.math]!) * spec.sms;
  const account = accountOf(spec, choice, { macs: macs(trace.ops[call.op]!), macsPerCycle: peak }, cache, unfolded);
  return { choice, account, accesses: choice.kernels.flatMap((timed) => accessesOf(spec, timed, call.math)) };
}
