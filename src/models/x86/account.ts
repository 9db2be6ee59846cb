import type { StallCause } from '../../events/events.ts';
import type { SystemSpec } from './system.ts';
import type { TimedWay } from './units/way-time.ts';

/** What the cycles of a call went to; they add up to `cycles`. All are whole. */
export interface Account {
  readonly cycles: number;
  readonly busyCycles: number;
  readonly stallCycles: Readonly<Partial<Record<StallCause, number>>>;
  /** Multiply-adds of the op that are done, and those that the way it is computed does without. */
  readonly usefulMacs: number;
  readonly savedMacs: number;
}

/**
 * Charges the time of a call to causes. Busy are the cycles in which all cores multiply what is useful at full rate: less than the op asks
 * for where a transform does without, while zeros of padding that kernels skip count as far as there is time for them. Then come the call
 * itself, cores without work, waiting for lines and pages, packing, and padded lanes. What remains passes inside the pipelines:
 * `issue` where something is multiplied, `vector` where nothing is.
 */
export function accountOf(
  timed: TimedWay,
  work: { readonly macs: number; readonly macsPerCycle: number },
  { cores }: SystemSpec,
): Account {
  const { way, times, coreCycles, callCycles } = timed;
  const launch = Math.round(callCycles);
  const cycles = Math.max(1, Math.ceil(coreCycles)) + launch;
  const macsDone = Math.round(way.share * way.nests.reduce((total, { lanesDone }) => total + lanesDone, 0));
  const usefulMacs = Math.min(work.macs, macsDone, Math.floor((cycles - launch) * work.macsPerCycle));
  const busyCycles = Math.ceil(usefulMacs / work.macsPerCycle);
  const stallCycles: Partial<Record<StallCause, number>> = {};
  let rest = cycles - busyCycles;
  const charge = (cause: StallCause, wanted: number): void => {
    const charged = Math.max(0, Math.min(rest, Math.round(wanted)));
    if (charged > 0) stallCycles[cause] = charged;
    rest -= charged;
  };
  const used = way.share / cores;
  const sum = (of: (index: number) => number): number => times.reduce((total, _, index) => total + of(index), 0) * used;
  charge('launch', launch);
  charge('tail', (cycles - launch) * (1 - used));
  charge('operand-stall', sum((index) => times[index]!.memoryCycles) + timed.bandwidthCycles * used);
  charge(
    'packing',
    sum((index) => (way.nests[index]!.role === 'pack' ? times[index]!.pipelineCycles : 0)),
  );
  if (work.macs > 0) charge('padding', (macsDone - work.macs) / work.macsPerCycle);
  charge(work.macs > 0 ? 'issue' : 'vector', rest);
  return { cycles, busyCycles, stallCycles, usefulMacs, savedMacs: work.macs - usefulMacs };
}
