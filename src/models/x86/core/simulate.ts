import type { Forwarding } from '../forwarding.ts';
import type { FrontEnd } from '../front-end.ts';
import type { X86Spec } from '../spec.ts';
import type { Tables } from '../tables.ts';
import { clearFlight, PORTS } from './flight.ts';
import { type Machine, machineOf, type Recorded } from './machine.ts';
import { clearPorts, dispatch } from './ports.ts';
import { rename } from './rename.ts';
import { retire } from './retire.ts';
import { saveState } from './state.ts';
import { steadyState } from './steady.ts';
import { clearWaiting } from './waiting.ts';

/** Cycles between two looks at the state: looking costs about as much as simulating a few. */
const LOOK_CYCLES = 24;

export interface Run {
  /** Cycle in which each iteration retired; those after a state recurred are extrapolated. */
  readonly retired: readonly number[];
  /** Micro-ops per iteration that each port executed: over the period, else over the later half of the iterations. */
  readonly portUops: readonly number[];
  /** Iterations and cycles after which the state recurs; null if it was not seen to. */
  readonly period: { readonly iterations: number; readonly cycles: number } | null;
}

export interface RunOptions {
  readonly iterations: number;
  readonly maxCycles: number;
  /** Runs every iteration: slow, the same result. */
  readonly unfolded: boolean;
  /** Notes the stages of the first iterations if given. */
  readonly recorded: Recorded | null;
}

/** Micro-ops by port of one of the last `iterations` of those retired so far. */
function portUopsOver({ portUops, retired }: Machine, iterations: number): number[] {
  const last = (retired.length - 1) * PORTS;
  const first = last - iterations * PORTS;
  const total = (at: number): number => (at < 0 ? 0 : portUops[at]!);
  return Array.from(
    { length: PORTS },
    (_, port) => (total(last + port) - total(first + port)) / Math.max(1, iterations),
  );
}

/**
 * Simulates a core cycle by cycle: retirement, dispatch (oldest ready micro-op of each port), rename and port binding, front
 * end. One at a time: simulations share their arrays.
 */
export function simulate(
  tables: Tables,
  frontEnd: FrontEnd,
  spec: X86Spec,
  forwarding: Forwarding | null,
  { iterations, maxCycles, unfolded, recorded }: RunOptions,
): Run {
  clearFlight();
  clearWaiting();
  clearPorts();
  const on = machineOf(tables, frontEnd, spec, forwarding, recorded, iterations);
  const { retired } = on;
  const { microOpQueue } = spec.frontEnd;
  const steady = steadyState();
  const save = (into: Int32Array, at: number): number => saveState(on, looked, into, at);
  const periodicFrom = forwarding?.periodicFrom ?? 0;
  let looked = 0;
  let period: Run['period'] = null;
  let portUops: number[] = [];
  for (let cycle = 0; cycle < maxCycles && retired.length < iterations; cycle += 1) {
    const before = retired.length;
    retire(on, cycle);
    dispatch(on, cycle);
    rename(on, cycle);
    on.delivered += frontEnd.step(microOpQueue - (on.delivered - on.issued));
    if (period !== null || retired.length === before || retired.length <= periodicFrom) continue;
    if (cycle - looked < LOOK_CYCLES) continue;
    looked = cycle;
    const since = steady.see(save, retired.length);
    if (since === null) continue;
    period = { iterations: since, cycles: retired.at(-1)! - retired.at(-1 - since)! };
    portUops = portUopsOver(on, since);
    if (unfolded) continue;
    while (retired.length < iterations) retired.push(retired.at(-since)! + period.cycles);
  }
  if (period === null) portUops = portUopsOver(on, retired.length >> 1);
  // Several iterations may retire in the last cycle.
  return { retired: retired.slice(0, iterations), portUops, period };
}
