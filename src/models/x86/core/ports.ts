import { LOAD, STORE_ADDRESS, STORE_DATA } from '../tables.ts';
import { doneAt, earliest, latencyOf, MASK, misses, placeOf, PORTS, UNKNOWN } from './flight.ts';
import type { Machine } from './machine.ts';
import { quietUntil, ready, readyCount } from './ready.ts';
import { resultList, wake } from './waiting.ts';

/** By port: micro-ops bound to it and not dispatched; those that are being renamed do not count yet. */
export const waiting = new Int32Array(PORTS);
/** Ports of those. */
const bound: number[] = [];
let bindings = 0;
export const busyUntil = new Int32Array(PORTS);

export function clearPorts(): void {
  for (const counts of [readyCount, quietUntil, waiting, busyUntil]) counts.fill(0);
}

/** Binds a micro-op to a port: one more waits there from the next cycle on, since binding goes by the counts before it. */
export function bind(port: number): void {
  bound[bindings] = port;
  bindings += 1;
}

/** Counts what has been bound in this cycle. */
export function countBound(): void {
  for (let index = 0; index < bindings; index += 1) waiting[bound[index]!]! += 1;
  bindings = 0;
}

/**
 * The port of a micro-op that may run on `mask`, by counts of waiting micro-ops, as Abel and Reineke (ICS 2022) found for
 * Intel cores: of the ports allowed, slots 0 and 2 take the one with the fewest, slots 1 and 3 the second unless it has three
 * more; ties go to the higher number; loads alternate, addresses of stores on the same ports do not (a pointer chase that
 * stores beside it would always wait for its own stores).
 */
export function choosePort(on: Machine, place: number, slot: number): number {
  const mask = on.tables.ports[place]!;
  if ((mask & (mask - 1)) === 0) return 31 - Math.clz32(mask);
  const { loadPorts, bindsByCount } = on.spec.backEnd;
  if (mask === on.loadPorts && on.tables.kind[place] !== STORE_ADDRESS) {
    on.loadTurn = (on.loadTurn + 1) % loadPorts.length;
    return loadPorts[on.loadTurn]!;
  }
  if (!bindsByCount) {
    do on.turn = (on.turn + 1) % PORTS;
    while ((mask & (1 << on.turn)) === 0);
    return on.turn;
  }
  let first = -1;
  let second = -1;
  for (let rest = mask; rest !== 0; ) {
    const port = 31 - Math.clz32(rest);
    rest ^= 1 << port;
    if (first < 0 || waiting[port]! < waiting[first]!) {
      second = first;
      first = port;
    } else if (second < 0 || waiting[port]! < waiting[second]!) second = port;
  }
  return slot % 2 === 1 && waiting[second]! - waiting[first]! < 3 ? second : first;
}

/** Index of the oldest micro-op that a port can start; -1: none, and `quietUntil` says how long. */
function oldestReady({ tables, hasOccupied }: Machine, port: number, cycle: number): number {
  const queue = ready[port]!;
  const count = readyCount[port]!;
  const isBusy = hasOccupied && busyUntil[port]! > cycle;
  let oldest = UNKNOWN;
  let found = -1;
  let next = UNKNOWN;
  for (let index = 0; index < count; index += 1) {
    const uop = queue[index]!;
    const time = earliest[uop & MASK]!;
    if (time > cycle) {
      if (time < next) next = time;
    } else if (isBusy && tables.occupancy[placeOf[uop & MASK]!]! > 1) next = cycle + 1;
    else {
      if (found >= 0) next = cycle + 1;
      if (uop >= oldest) continue;
      oldest = uop;
      found = index;
    }
  }
  quietUntil[port] = next;
  return found;
}

/** Starts the oldest ready micro-op of each port. */
export function dispatch(on: Machine, cycle: number): void {
  const { recorded } = on;
  const { kind, occupancy } = on.tables;
  const blocked = on.blockedCycles > 0 ? on.memoryPorts : 0;
  if (on.blockedCycles > 0) on.blockedCycles -= 1;
  for (let port = 0; port < PORTS; port += 1) {
    if (quietUntil[port]! > cycle || (blocked & (1 << port)) !== 0) continue;
    const at = oldestReady(on, port, cycle);
    if (at < 0) continue;
    const queue = ready[port]!;
    const uop = queue[at]!;
    readyCount[port]! -= 1;
    queue[at] = queue[readyCount[port]!]!;
    const i = uop & MASK;
    const place = placeOf[i]!;
    if (occupancy[place]! > 1) busyUntil[port] = cycle + occupancy[place]!;
    waiting[port]! -= 1;
    if (kind[place]! >= LOAD && kind[place]! <= STORE_DATA) on.inMemoryScheduler -= 1;
    else on.inScheduler -= 1;
    if (misses[i] === 1) on.missCarry += Math.round(1000 * on.spec.memory.pageMissCycles);
    const done = cycle + latencyOf[i]!;
    doneAt[i] = done;
    if (recorded !== null) {
      recorded.dispatched[uop] = cycle;
      recorded.done[uop] = done;
    }
    wake(on, resultList, uop, done);
  }
  if (on.missCarry < 1000) return;
  on.blockedCycles += Math.floor(on.missCarry / 1000);
  on.missCarry %= 1000;
}
