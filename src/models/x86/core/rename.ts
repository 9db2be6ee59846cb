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
import { bind, choosePort, countBound, waiting } from './ports.ts';
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
  const port = choosePort(on, place, slot);
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

/** Whether the buffers have room for the next `count` issue slots. */
function hasRoom(on: Machine, count: number): boolean {
  const { slots, slotCompute, slotVector, slotMemory, slotLoads, slotStores } = on.tables;
  const { reorderBuffer, scheduler, vectorScheduler, memoryScheduler, loadBuffer, storeBuffer } = on.spec.backEnd;
  let { inScheduler, inMemoryScheduler, loads, stores } = on;
  let vector = 0;
  for (let n = 0, slot = on.issueSlot; n < count; n += 1, slot = slot + 1 === slots ? 0 : slot + 1) {
    inScheduler += slotCompute[slot]!;
    vector += slotVector[slot]!;
    inMemoryScheduler += slotMemory[slot]!;
    loads += slotLoads[slot]!;
    stores += slotStores[slot]!;
  }
  return (
    on.issued + count - on.retiredSlots <= reorderBuffer &&
    inScheduler <= scheduler &&
    (vector === 0 || on.inScheduler - waiting[on.spec.backEnd.branchPort]! + vector <= vectorScheduler) &&
    inMemoryScheduler <= memoryScheduler &&
    loads <= loadBuffer &&
    stores <= storeBuffer
  );
}

/** Issue slots of the next group: what the queue has for a cycle, but not one of two that un-lamination has parted. */
function groupSize({ tables, spec, delivered, issued, issueSlot }: Machine): number {
  const { slots } = spec.renamer;
  const queued = delivered - issued;
  const count = Math.min(slots, queued);
  if (count === 0 || slots === 1 || tables.isParted[(issueSlot + count - 1) % tables.slots] === 0) return count;
  return count - 1;
}

/**
 * Renames micro-ops and binds them to ports, in groups: all of a group, or none while there is no room for
 * one of them (four independent additions in a loop show it: 1.44 cycles measured, 1.37 if part of a group could go ahead).
 */
export function rename(on: Machine, cycle: number): void {
  const { tables } = on;
  const { slotStart } = tables;
  const count = groupSize(on);
  // With nothing in flight a group goes ahead however small the buffers are.
  if (count === 0 || (on.issued > on.retiredSlots && !hasRoom(on, count))) return;
  for (let n = 0; n < count; n += 1) {
    const slot = on.issueSlot;
    on.inScheduler += tables.slotCompute[slot]!;
    on.inMemoryScheduler += tables.slotMemory[slot]!;
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
  countBound();
}
