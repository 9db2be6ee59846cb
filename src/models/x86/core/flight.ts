import { UNITS } from '../instruction.ts';

/**
 * Micro-ops in flight by dynamic number, modulo a power of two: at most a few hundred are, older ones are done. One simulation
 * runs at a time; its arrays are kept for the next, for making them takes as long as simulating many cycles.
 */
export const RING = 1024;
export const MASK = RING - 1;
/** A result so far ahead that older micro-ops no longer matter: the rest is room for those that are being renamed. */
export const REACH = RING - 64;
/** Cycle of what has not been decided. */
export const UNKNOWN = 0x7fffffff;
export const PORTS = 10;

export const doneAt = new Int32Array(RING);
/** Cycle before which it may not be dispatched, as far as known. */
export const earliest = new Int32Array(RING);
/** Results it waits for whose cycle is not known. */
export const pending = new Int32Array(RING);
export const portOf = new Int32Array(RING);
export const latencyOf = new Int32Array(RING);
/** Number within the iteration. */
export const placeOf = new Int32Array(RING);
/** 1: a memory access that misses the TLB. */
export const misses = new Uint8Array(RING);
/** Cycle in which a retired store is written to the cache. */
export const commitAt = new Int32Array(RING);
/** The store address that a load meets without having waited for all; -1 for none. And when the load could have started. */
export const matched = new Int32Array(RING);
export const addressAt = new Int32Array(RING);
/** Youngest micro-op that writes each register; -1 for none. */
export const writer = new Int32Array(UNITS);

export function clearFlight(): void {
  for (const ring of [doneAt, earliest, pending, portOf, latencyOf, placeOf, commitAt, addressAt]) ring.fill(0);
  misses.fill(0);
  matched.fill(-1);
  writer.fill(-1);
}
