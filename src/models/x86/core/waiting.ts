import { FMA, LOAD, LOGIC, MULTIPLY, SIMD, STORE_DATA } from '../tables.ts';
import {
  addressAt,
  doneAt,
  earliest,
  MASK,
  matched,
  pending,
  placeOf,
  portOf,
  REACH,
  RING,
  UNKNOWN,
} from './flight.ts';
import type { Machine } from './machine.ts';
import { enqueue } from './ready.ts';

/** How far a load may run ahead of the address of a store before it counts as wrong (fitted). */
const RUN_AHEAD_CYCLES = 4;

/** Who waits for a micro-op's result, and who for a store's write into the cache: heads of linked lists of nodes. */
export const resultList = new Int32Array(RING);
export const commitList = new Int32Array(RING);
const nodeNext: number[] = [];
const nodeUop: number[] = [];
const nodeDelay: number[] = [];
let nodes = 0;
let freeNode = -1;

export function clearWaiting(): void {
  resultList.fill(-1);
  commitList.fill(-1);
  nodes = 0;
  freeNode = -1;
}

/** Lets a micro-op wait until `delay` cycles after what the producer will wake the list for. */
export function wait(list: Int32Array, producer: number, uop: number, delay: number): void {
  let node = freeNode;
  if (node >= 0) freeNode = nodeNext[node]!;
  else {
    node = nodes;
    nodes += 1;
  }
  nodeUop[node] = uop;
  nodeDelay[node] = delay;
  nodeNext[node] = list[producer & MASK]!;
  list[producer & MASK] = node;
  pending[uop & MASK]! += 1;
}

/** Wakes all that wait for the producer, whose result is there `at` a cycle. */
export function wake(on: Machine, list: Int32Array, producer: number, at: number): void {
  let node = list[producer & MASK]!;
  list[producer & MASK] = -1;
  while (node >= 0) {
    const uop = nodeUop[node]!;
    const i = uop & MASK;
    const time = at + nodeDelay[node]!;
    if (matched[i] === producer && addressAt[i]! + RUN_AHEAD_CYCLES < at) on.cautious[placeOf[i]!] = 1;
    if (time > earliest[i]!) earliest[i] = time;
    pending[i]! -= 1;
    if (pending[i] === 0) enqueue(uop);
    const next = nodeNext[node]!;
    nodeNext[node] = freeNode;
    freeNode = node;
    node = next;
  }
}

/** Delay between execution units (Intel's optimisation manual, Skylake; floating-point logic measured). */
function bypass({ tables }: Machine, producer: number, uop: number): number {
  const { domain, kind } = tables;
  const fromPlace = placeOf[producer & MASK]!;
  const toPlace = placeOf[uop & MASK]!;
  const from = domain[fromPlace]!;
  const to = domain[toPlace]!;
  if (to === LOGIC && kind[fromPlace] === LOAD) return portOf[uop & MASK] === 5 ? 0 : 1;
  if (from === LOGIC && kind[toPlace] === STORE_DATA) return portOf[producer & MASK] === 5 ? 0 : 1;
  if (from === 0 || to === 0) return 0;
  if ((from === SIMD || from === LOGIC) && to === FMA) return 1;
  if (from === FMA && (to === SIMD || to === LOGIC)) return portOf[uop & MASK] === 5 ? 0 : 1;
  const crosses = tables.uses512 && portOf[producer & MASK] !== portOf[uop & MASK];
  return from === MULTIPLY && to === MULTIPLY && crosses ? 1 : 0;
}

/** Lets a micro-op wait for the result of another (-1: none) and `extra` cycles more. */
export function dependOn(on: Machine, producer: number, uop: number, extra: number): void {
  if (producer < 0 || uop - producer >= REACH) return;
  const delay = bypass(on, producer, uop) + extra;
  const at = doneAt[producer & MASK]!;
  if (at === UNKNOWN) wait(resultList, producer, uop, delay);
  else if (at + delay > earliest[uop & MASK]!) earliest[uop & MASK] = at + delay;
}
