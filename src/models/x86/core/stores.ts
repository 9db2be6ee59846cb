import { commitAt, earliest, latencyOf, MASK, matched, addressAt, pending, REACH, UNKNOWN } from './flight.ts';
import type { Machine } from './machine.ts';
import { commitList, dependOn, wait } from './waiting.ts';

/** Lets a load wait for the addresses of all older stores in flight. */
function waitForAddresses(on: Machine, uop: number): void {
  const { storeAddressPlaces: places, uops } = on.tables;
  for (let base = on.issueBase; base >= 0 && base + uops > on.retireBase; base -= uops)
    for (let store = places.length - 1; store >= 0; store -= 1)
      if (base + places[store]! < uop) dependOn(on, base + places[store]!, uop, on.spec.memory.cautiousLoadCycles);
}

function forwardLatency(on: Machine, place: number, bytes: number): number {
  const { wideForwardCycles, vectorForwardCycles, forwardCycles } = on.spec.memory;
  if (on.tables.isVector[place] === 1) return bytes > 16 ? wideForwardCycles : vectorForwardCycles;
  const whole = Math.floor(forwardCycles);
  on.forwardCarry += Math.round(1000 * (forwardCycles - whole));
  if (on.forwardCarry < 1000) return whole;
  on.forwardCarry -= 1000;
  return whole + 1;
}

/** A load that meets a store in flight: the store's data are forwarded, or the load waits for its write. */
export function meetStore(
  on: Machine,
  forwarding: NonNullable<Machine['forwarding']>,
  uop: number,
  place: number,
  cycle: number,
): void {
  const { tables } = on;
  const load = tables.loadNumber[place]!;
  if (load < 0 || forwarding.stores === 0) return;
  const source = forwarding.sources[on.issueIteration * forwarding.loads + load]!;
  if (source < 0) return;
  const ago = source >> 1;
  const store = ago % forwarding.stores;
  const base = (on.issueIteration - Math.floor(ago / forwarding.stores)) * tables.uops;
  const data = base + tables.storeDataPlaces[store]!;
  const isRetired = data < on.retireBase + tables.slotStart[on.retireSlot]!;
  if (uop - data >= REACH || (isRetired && commitAt[data & MASK]! <= cycle)) return;
  const i = uop & MASK;
  const address = base + tables.storeAddressPlaces[store]!;
  if (on.cautious[place] === 1) waitForAddresses(on, uop);
  else {
    matched[i] = address;
    addressAt[i] = pending[i]! > 0 ? UNKNOWN : earliest[i]!;
    dependOn(on, address, uop, 0);
  }
  const isPartial = (source & 1) === 1;
  if (isPartial && !isRetired) wait(commitList, data, uop, 0);
  else if (isPartial) {
    const at = commitAt[data & MASK]! + on.spec.memory.blockedLoadCycles;
    if (at > earliest[i]!) earliest[i] = at;
  } else {
    dependOn(on, data, uop, 0);
    latencyOf[i] = forwardLatency(on, place, Math.max(tables.storeBytes[store]!, tables.loadBytes[load]!));
  }
}
