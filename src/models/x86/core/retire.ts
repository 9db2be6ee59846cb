import { STORE_DATA } from '../tables.ts';
import { commitAt, doneAt, MASK, portOf, PORTS } from './flight.ts';
import type { Machine } from './machine.ts';
import { commitList, wake } from './waiting.ts';

function retireUop(on: Machine, uop: number, cycle: number): void {
  const { tables, tally, recorded } = on;
  const place = uop - on.retireBase;
  if (tables.ports[place] !== 0) tally[portOf[uop & MASK]!]! += 1;
  if (recorded !== null) recorded.retired[uop] = cycle;
  if (tables.kind[place] !== STORE_DATA) return;
  on.lastCommit = Math.max(on.lastCommit, cycle) + 1;
  on.commits.push(on.lastCommit);
  commitAt[uop & MASK] = on.lastCommit;
  wake(on, commitList, uop, on.lastCommit + on.spec.memory.blockedLoadCycles);
}

/** Retires issue slots in order, and writes retired stores into the cache, one a cycle. */
export function retire(on: Machine, cycle: number): void {
  const { slotStart, slotLoads, slots, uops } = on.tables;
  const { retireSlots } = on.spec.backEnd;
  for (let n = 0; n < retireSlots && on.retiredSlots < on.issued; n += 1) {
    const from = on.retireBase + slotStart[on.retireSlot]!;
    const to = on.retireBase + slotStart[on.retireSlot + 1]!;
    let isDone = true;
    for (let uop = from; uop < to; uop += 1) if (doneAt[uop & MASK]! > cycle) isDone = false;
    if (!isDone) break;
    for (let uop = from; uop < to; uop += 1) retireUop(on, uop, cycle);
    on.loads -= slotLoads[on.retireSlot]!;
    on.retiredSlots += 1;
    on.retireSlot += 1;
    if (on.retireSlot < slots) continue;
    on.retireSlot = 0;
    on.retireBase += uops;
    const first = on.retired.length * PORTS;
    for (let port = 0; port < PORTS; port += 1) on.portUops[first + port] = on.tally[port]!;
    on.retired.push(cycle);
  }
  while (on.nextCommit < on.commits.length && on.commits[on.nextCommit]! <= cycle) {
    on.nextCommit += 1;
    on.stores -= 1;
  }
}
