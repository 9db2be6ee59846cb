import { UNITS } from '../instruction.ts';
import { commitAt, doneAt, earliest, MASK, pending, portOf, PORTS, RING, UNKNOWN, writer } from './flight.ts';
import type { Machine } from './machine.ts';
import { busyUntil, waiting } from './ports.ts';

/** Retired micro-ops that still matter, while stores wait for the cache or results for other units. */
const TRAIL = 64;
/** More than there are ports. */
const PORT_CODES = 16;

function since(time: number, cycle: number): number {
  return time === UNKNOWN ? -1 : Math.max(0, time - cycle);
}

/**
 * Everything that decides what happens from `cycle` on, relative to the cycle and to the iteration being retired, written to
 * `into` from `start` on; the end.
 */
export function saveState(on: Machine, cycle: number, into: Int32Array, start: number): number {
  let at = start;
  const { tables, cautious, commits } = on;
  into[at++] = on.issued - on.retiredSlots;
  into[at++] = on.delivered - on.issued;
  into[at++] = on.issueSlot;
  into[at++] = on.retireSlot;
  into[at++] = on.loadTurn;
  into[at++] = on.turn;
  into[at++] = on.loads;
  into[at++] = on.stores;
  into[at++] = on.forwardCarry;
  into[at++] = on.missCarry;
  into[at++] = on.blockedCycles;
  into[at++] = since(on.lastCommit, cycle);
  into[at++] = on.issueBase - on.retireBase;
  for (let place = 0; place < tables.uops; place += 1) if (cautious[place] === 1) into[at++] = place;
  const first = on.retireBase + tables.slotStart[on.retireSlot]!;
  const end = on.issueBase + tables.slotStart[on.issueSlot]!;
  for (let uop = Math.max(0, first - TRAIL); uop < end; uop += 1) {
    const i = uop & MASK;
    const done = doneAt[i]!;
    // One word of a micro-op with a result, not negative, and one more if it is retired; two of one without.
    if (done !== UNKNOWN) {
      into[at++] = since(done, cycle) * PORT_CODES + portOf[i]!;
      if (uop < first) into[at++] = since(commitAt[i]!, cycle);
      continue;
    }
    into[at++] = -1 - (pending[i]! * PORT_CODES + portOf[i]!);
    into[at++] = since(earliest[i]!, cycle);
  }
  for (let unit = 0; unit < UNITS; unit += 1) {
    const producer = writer[unit]!;
    into[at++] = producer < 0 || end - producer > RING ? -1 : end - producer;
  }
  for (let port = 0; port < PORTS; port += 1) {
    into[at++] = waiting[port]!;
    into[at++] = since(busyUntil[port]!, cycle);
  }
  for (let commit = on.nextCommit; commit < commits.length; commit += 1) into[at++] = commits[commit]! - cycle;
  return on.frontEnd.save(into, at);
}
