import { LOAD, MOVE } from '../tables.ts';
import {
  doneAt,
  earliest,
  latencyOf,
  MASK,
  matched,
  misses,
  pending,
  placeOf,
  portOf,
  UNKNOWN,
  writer,
} from './flight.ts';
import type { Machine } from './machine.ts';
import { bind, choosePort, countBound } from './ports.ts';
import { enqueue } from './ready.ts';
import { meetStore } from './stores.ts';
import { dependOn } from './waiting.ts';

/** An eliminated move makes its destination another name of the source; idioms and the like have no source. */
function eliminate({ tables, recorded }: Machine, uop: number, place: number, cycle: number): void {
  const source = tables.kind[place] === MOVE ? writer[tables.reads.items[tables.reads.start[place]!]!]! : -1;
  const { items, start } = tables.writes;
  for (let at = start[place]!; at < start[place + 1]!; at += 1) writer[items[at]!] = source;
  doneAt[uop & MASK] = cycle + 1;
  if (recorded !== null) recorded.done[uop] = cycle + 1;
}

function renameUop(on: Machine, uop: number, place: number, slot: number, cycle: number): void {
  const { tables, recorded, forwarding } = on;
  const { kind } = tables;
  const { memory, backEnd } = on.spec;
  const i = uop & MASK;
  placeOf[i] = place;
  if (recorded !== null) recorded.issued[uop] = cycle;
  if (tables.ports[place] === 0) return eliminate(on, uop, place, cycle);
  doneAt[i] = UNKNOWN;
  earliest[i] = cycle + backEnd.issueToDispatchCycles;
  pending[i] = 0;
  const port = choosePort(on, tables.ports[place]!, slot);
  portOf[i] = port;
  if (recorded !== null) recorded.ports[uop] = port;
  bind(port);
  let takesPointer = tables.isPointerLoad[place] === 1;
  const { reads, writes, after } = tables;
  for (let at = reads.start[place]!; at < reads.start[place + 1]!; at += 1) {
    const producer = writer[reads.items[at]!]!;
    if (takesPointer && (producer < 0 || kind[producer % tables.uops] !== LOAD)) takesPointer = false;
    dependOn(on, producer, uop, 0);
  }
  matched[i] = -1;
  latencyOf[i] = takesPointer ? memory.pointerLoadCycles : tables.latency[place]!;
  misses[i] = 0;
  if (forwarding !== null) {
    if (kind[place] === LOAD) meetStore(on, forwarding, uop, place, cycle);
    const access = tables.accessNumber[place]!;
    if (access >= 0) misses[i] = forwarding.misses[on.issueIteration * tables.accesses + access]!;
  }
  for (let at = after.start[place]!; at < after.start[place + 1]!; at += 1)
    dependOn(on, on.issueBase + after.items[at]!, uop, 0);
  for (let at = writes.start[place]!; at < writes.start[place + 1]!; at += 1) writer[writes.items[at]!] = uop;
  if (pending[i] === 0) enqueue(uop);
}

/** Renames micro-ops, slot by slot, while there is room for them. */
function renameSlots(on: Machine, cycle: number): void {
  const { tables } = on;
  const { slotStart } = tables;
  const { renamer, backEnd } = on.spec;
  for (let n = 0; n < renamer.slots && on.issued < on.delivered; n += 1) {
    const slot = on.issueSlot;
    const compute = tables.slotCompute[slot]!;
    const ofMemory = tables.slotMemory[slot]!;
    if (
      on.issued - on.retiredSlots >= backEnd.reorderBuffer ||
      on.inScheduler + compute > backEnd.scheduler ||
      on.inMemoryScheduler + ofMemory > backEnd.memoryScheduler ||
      on.loads + tables.slotLoads[slot]! > backEnd.loadBuffer ||
      on.stores + tables.slotStores[slot]! > backEnd.storeBuffer
    )
      return;
    on.inScheduler += compute;
    on.inMemoryScheduler += ofMemory;
    on.loads += tables.slotLoads[slot]!;
    on.stores += tables.slotStores[slot]!;
    for (let place = slotStart[slot]!; place < slotStart[slot + 1]!; place += 1)
      renameUop(on, on.issueBase + place, place, n, cycle);
    on.issued += 1;
    on.issueSlot += 1;
    if (on.issueSlot < tables.slots) continue;
    on.issueSlot = 0;
    on.issueBase += tables.uops;
    on.issueIteration += 1;
  }
}

/** Renames micro-ops and binds them to ports. */
export function rename(on: Machine, cycle: number): void {
  if (on.issued === on.delivered) return;
  renameSlots(on, cycle);
  countBound();
}
