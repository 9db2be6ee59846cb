import { isVector } from './instruction.ts';
import type { Program, Uop } from './program.ts';
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

/** A program as arrays in issue order: what the simulation reads in every cycle. `place` counts micro-ops in that order. */
export interface Tables {
  readonly uops: number;
  readonly slots: number;
  /** First place of each slot, and the end. */
  readonly slotStart: Int32Array;
  /** Arithmetic and memory micro-ops, loads and stores of each slot. */
  readonly slotCompute: Int32Array;
  readonly slotMemory: Int32Array;
  readonly slotLoads: Int32Array;
  readonly slotStores: Int32Array;
  readonly kind: Uint8Array;
  readonly ports: Int32Array;
  readonly latency: Int32Array;
  readonly occupancy: Int32Array;
  readonly domain: Uint8Array;
  readonly isVector: Uint8Array;
  /** 1: a load that takes its base from another load early. */
  readonly isPointerLoad: Uint8Array;
  readonly reads: readonly (readonly number[])[];
  readonly writes: readonly (readonly number[])[];
  /** Places in the same iteration. */
  readonly after: readonly (readonly number[])[];
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

function loadCycles(program: Program, uop: Uop, spec: X86Spec): number {
  const instruction = program.instructions[uop.instruction]!;
  const { loadCycles: general, vectorLoadCycles } = spec.memory;
  if (!instruction.operands.some(({ kind }) => kind === 'x' || kind === 'y' || kind === 'z')) return general;
  if (instruction.sizeBytes <= 8) return vectorLoadCycles.bits64;
  return instruction.sizeBytes === 16 ? vectorLoadCycles.bits128 : vectorLoadCycles.wider;
}

function isPointerLoad(program: Program, uop: Uop): boolean {
  const memory = program.instructions[uop.instruction]?.memory ?? null;
  if (uop.kind !== 'load' || memory === null || memory.base === null || memory.index !== null) return false;
  return memory.high === 0 && memory.low >= 0 && memory.low < 2048;
}

export function tablesOf(program: Program, spec: X86Spec): Tables {
  const order = program.slots.flat();
  const placeOf = new Map(order.map((uop, place) => [uop, place]));
  const uops = order.map((uop) => program.uops[uop]!);
  const instructionOf = (uop: Uop) => program.instructions[uop.instruction];
  const isVectorUop = (uop: Uop): boolean => {
    const instruction = instructionOf(uop);
    return instruction !== undefined && isVector(instruction);
  };
  const uses512 = program.instructions.some(({ operands }) => operands.some(({ kind }) => kind === 'z'));
  const closesPort1 = spec.backEnd.fusesPortsFor512 && uses512;
  const counts = (test: (uop: Uop) => boolean): Int32Array =>
    new Int32Array(
      program.slots.map((slot) => slot.reduce((sum, uop) => (test(program.uops[uop]!) ? sum + 1 : sum), 0)),
    );
  const isMemory = ({ kind }: Uop): boolean => kind === 'load' || kind === 'store-address' || kind === 'store-data';
  const numbered = (test: (uop: Uop) => boolean): Int32Array => {
    let next = 0;
    return new Int32Array(uops.map((uop) => (test(uop) ? next++ : -1)));
  };
  const bytesOf = (kind: Uop['kind']): number[] =>
    uops.filter((uop) => uop.kind === kind).map((uop) => instructionOf(uop)?.sizeBytes ?? 0);
  const placesOf = (kind: Uop['kind']): number[] => uops.flatMap((uop, place) => (uop.kind === kind ? [place] : []));
  const slotStart = new Int32Array(program.slots.length + 1);
  program.slots.forEach((slot, index) => {
    slotStart[index + 1] = slotStart[index]! + slot.length;
  });
  const isAccess = ({ kind }: Uop): boolean => kind === 'load' || kind === 'store-address';
  return {
    uops: uops.length,
    slots: program.slots.length,
    slotStart,
    slotCompute: counts((uop) => uop.ports !== 0 && !isMemory(uop)),
    slotMemory: counts(isMemory),
    slotLoads: counts(({ kind }) => kind === 'load'),
    slotStores: counts(({ kind }) => kind === 'store-data'),
    kind: new Uint8Array(uops.map(({ kind }) => KINDS[kind])),
    ports: new Int32Array(
      uops.map((uop) =>
        closesPort1 && uop.kind === 'compute' && uop.ports !== 2 && isVectorUop(uop) ? uop.ports & ~2 : uop.ports,
      ),
    ),
    latency: new Int32Array(
      uops.map((uop) => (uop.kind === 'load' ? loadCycles(program, uop, spec) : uop.latencyCycles)),
    ),
    occupancy: new Int32Array(uops.map(({ occupancyCycles }) => occupancyCycles)),
    domain: new Uint8Array(uops.map(({ domain }) => DOMAINS[domain])),
    isVector: new Uint8Array(uops.map((uop) => (isVectorUop(uop) ? 1 : 0))),
    isPointerLoad: new Uint8Array(uops.map((uop) => (isPointerLoad(program, uop) ? 1 : 0))),
    reads: uops.map(({ reads }) => reads),
    writes: uops.map(({ writes }) => writes),
    after: uops.map(({ after }) => after.map((uop) => placeOf.get(uop)!)),
    loadNumber: numbered(({ kind }) => kind === 'load'),
    accessNumber: numbered(isAccess),
    accesses: uops.filter(isAccess).length,
    storeAddressPlaces: placesOf('store-address'),
    storeDataPlaces: placesOf('store-data'),
    storeBytes: bytesOf('store-data'),
    loadBytes: bytesOf('load'),
    uses512,
  };
}
