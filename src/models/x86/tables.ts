import type { Uop } from './micro-ops.ts';
import type { Program } from './program.ts';
import type { X86Spec } from './spec.ts';

/** What kinds of units exchange results with a delay; all others do so without. */
export const SIMD = 1;
export const FMA = 2;
export const MULTIPLY = 3;
export const LOGIC = 4;
const DOMAINS = { other: 0, shuffle: 0, simd: SIMD, fma: FMA, multiply: MULTIPLY, logic: LOGIC } as const;

export const COMPUTE = 0;
export const LOAD = 1;
export const STORE_ADDRESS = 2;
export const STORE_DATA = 3;
export const NONE = 4;
export const MOVE = 5;
const KINDS = {
  compute: COMPUTE,
  load: LOAD,
  'store-address': STORE_ADDRESS,
  'store-data': STORE_DATA,
  none: NONE,
  move: MOVE,
} as const;

/** A list of numbers for each place, one after the other. */
export interface Lists {
  readonly items: Int32Array;
  readonly start: Int32Array;
}

/** A program as arrays in issue order: what the simulation reads in every cycle. `place` counts micro-ops in that order. */
export interface Tables {
  readonly uops: number;
  readonly slots: number;
  /** First place of each slot, and the end. */
  readonly slotStart: Int32Array;
  /** Arithmetic and memory micro-ops, loads and stores of each slot. */
  readonly slotCompute: Int32Array;
  /** Of the arithmetic ones, those that cannot run on the port of branches. */
  readonly slotVector: Int32Array;
  readonly slotMemory: Int32Array;
  readonly slotLoads: Int32Array;
  readonly slotStores: Int32Array;
  /** By slot, 1: is renamed in the same cycle as the next. */
  readonly isParted: Uint8Array;
  readonly kind: Uint8Array;
  readonly ports: Int32Array;
  readonly latency: Int32Array;
  readonly occupancy: Int32Array;
  readonly domain: Uint8Array;
  readonly isVector: Uint8Array;
  /** 1: a load that takes its base from another load early. */
  readonly isPointerLoad: Uint8Array;
  /** Registers read and written, and places in the same iteration waited for: of place p from `start[p]` to `start[p + 1]`. */
  readonly reads: Lists;
  readonly writes: Lists;
  readonly after: Lists;
  /** Number of a load or of a memory access by place; -1 for others. */
  readonly loadNumber: Int32Array;
  readonly accessNumber: Int32Array;
  readonly accesses: number;
  /** Places of the stores' halves, and bytes moved by the numbers of stores and loads. */
  readonly storeAddressPlaces: readonly number[];
  readonly storeDataPlaces: readonly number[];
  readonly storeBytes: readonly number[];
  readonly loadBytes: readonly number[];
  readonly uses512: boolean;
}

function listsOf(uops: readonly Uop[], itemsOf: (uop: Uop) => readonly number[]): Lists {
  const start = new Int32Array(uops.length + 1);
  for (let place = 0; place < uops.length; place += 1) start[place + 1] = start[place]! + itemsOf(uops[place]!).length;
  const items = new Int32Array(start[uops.length]!);
  let at = 0;
  for (const uop of uops) for (const item of itemsOf(uop)) items[at++] = item;
  return { items, start };
}

/** Micro-ops that each micro-op waits for, by place. */
function waitsOf({ uops, firstOf }: Program): Lists {
  const lists = listsOf(uops, ({ after }) => after);
  for (let place = 0; place < uops.length; place += 1)
    for (let at = lists.start[place]!; at < lists.start[place + 1]!; at += 1) lists.items[at]! += firstOf[place]!;
  return lists;
}

export function tablesOf(program: Program, spec: X86Spec): Tables {
  const { uops, slotStart } = program;
  const slots = slotStart.length - 1;
  const uses512 = program.instructions.some(({ operands }) => operands.some(({ kind }) => kind === 'z'));
  const closesPort1 = spec.backEnd.fusesPortsFor512 && uses512;
  const slotCompute = new Int32Array(slots);
  const branchPort = 1 << spec.backEnd.branchPort;
  const slotVector = new Int32Array(slots);
  const slotMemory = new Int32Array(slots);
  const slotLoads = new Int32Array(slots);
  const slotStores = new Int32Array(slots);
  const isParted = new Uint8Array(slots);
  for (const slot of program.parted) isParted[slot] = 1;
  const kind = new Uint8Array(uops.length);
  const ports = new Int32Array(uops.length);
  const latency = new Int32Array(uops.length);
  const occupancy = new Int32Array(uops.length);
  const domain = new Uint8Array(uops.length);
  const isVector = new Uint8Array(uops.length);
  const isPointerLoad = new Uint8Array(uops.length);
  const loadNumber = new Int32Array(uops.length).fill(-1);
  const accessNumber = new Int32Array(uops.length).fill(-1);
  const storeAddressPlaces: number[] = [];
  const storeDataPlaces: number[] = [];
  const storeBytes: number[] = [];
  const loadBytes: number[] = [];
  let accesses = 0;
  for (let slot = 0; slot < slots; slot += 1) {
    for (let place = slotStart[slot]!; place < slotStart[slot + 1]!; place += 1) {
      const uop = uops[place]!;
      const code = KINDS[uop.kind];
      kind[place] = code;
      ports[place] = closesPort1 && code === COMPUTE && uop.ports !== 2 && uop.isVector ? uop.ports & ~2 : uop.ports;
      latency[place] = uop.latencyCycles;
      occupancy[place] = uop.occupancyCycles;
      domain[place] = DOMAINS[uop.domain];
      if (uop.isVector) isVector[place] = 1;
      if (uop.isPointerLoad) isPointerLoad[place] = 1;
      if (code === LOAD || code === STORE_ADDRESS) accessNumber[place] = accesses++;
      if (code === LOAD) {
        loadNumber[place] = loadBytes.length;
        loadBytes.push(uop.sizeBytes);
        slotLoads[slot]! += 1;
      } else if (code === STORE_ADDRESS) storeAddressPlaces.push(place);
      else if (code === STORE_DATA) {
        storeDataPlaces.push(place);
        storeBytes.push(uop.sizeBytes);
        slotStores[slot]! += 1;
      }
      if (code >= LOAD && code <= STORE_DATA) slotMemory[slot]! += 1;
      else if (uop.ports !== 0) {
        slotCompute[slot]! += 1;
        if ((uop.ports & branchPort) === 0) slotVector[slot]! += 1;
      }
    }
  }
  return {
    uops: uops.length,
    slots,
    slotStart: Int32Array.from(slotStart),
    slotCompute,
    slotVector,
    slotMemory,
    slotLoads,
    slotStores,
    isParted,
    kind,
    ports,
    latency,
    occupancy,
    domain,
    isVector,
    isPointerLoad,
    reads: listsOf(uops, ({ reads }) => reads),
    writes: listsOf(uops, ({ writes }) => writes),
    after: waitsOf(program),
    loadNumber,
    accessNumber,
    accesses,
    storeAddressPlaces,
    storeDataPlaces,
    storeBytes,
    loadBytes,
    uses512,
  };
}
