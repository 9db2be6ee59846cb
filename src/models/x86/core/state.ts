import { UNITS } from '../instruction.ts';
import { commitAt, doneAt, earliest, MASK, pending, portOf, PORTS, RING, UNKNOWN, writer } from './flight.ts';
import type { Machine } from './machine.ts';
import { busyUntil, waiting } from './ports.ts';

/** Retired micro-ops that still matter, while stores wait for the cache or results for other units. */
const TRAIL = 64;

function since(time: number, cycle: number): number {
  return time === UNKNOWN ? -1 : Math.max(0, time - cycle);
}

/**
 * Everything that decides what happens from `cycle` on, relative to the cycle and to the iteration being retired, written to the
 * start of `into`; how many words.
 */
export function saveState(on: Machine, cycle: number, into: Int32Array): number {
  const { tables, cautious, commits } = on;
  into[0] = on.issued - on.retiredSlots;
  into[1] = on.delivered - on.issued;
  into[2] = on.issueSlot;
  into[3] = on.retireSlot;
  into[4] = on.loadTurn;
  into[5] = on.turn;
  into[6] = on.loads;
  into[7] = on.stores;
  into[8] = on.forwardCarry;
  into[9] = on.missCarry;
  into[10] = on.blockedCycles;
  into[11] = since(on.lastCommit, cycle);
  into[12] = on.issueBase - on.retireBase;
  let at = 13;
  for (let place = 0; place < tables.uops; place += 1) if (cautious[place] === 1) into[at++] = place;
  const first = on.retireBase + tables.slotStart[on.retireSlot]!;
  const end = on.issueBase + tables.slotStart[on.issueSlot]!;
  for (let uop = Math.max(0, first - TRAIL); uop < end; uop += 1) {
    const i = uop & MASK;
    const isOpen = doneAt[i] === UNKNOWN;
    into[at++] = since(doneAt[i]!, cycle);
    into[at++] = portOf[i]!;
    into[at++] = uop < first ? since(commitAt[i]!, cycle) : isOpen ? pending[i]! : -2;
    if (isOpen) into[at++] = since(earliest[i]!, cycle);
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
