import type { Forwarding } from '../forwarding.ts';
import type { FrontEnd } from '../front-end.ts';
import { portMask } from '../micro-ops.ts';
import type { X86Spec } from '../spec.ts';
import type { Tables } from '../tables.ts';
import { PORTS } from './flight.ts';

/** When each micro-op of the first iterations passed each stage: cycles, by dynamic number. */
export interface Recorded {
  /** By micro-op: the port it was bound to; eliminated ones have none. */
  readonly ports: number[];
  readonly issued: number[];
  readonly dispatched: number[];
  readonly done: number[];
  readonly retired: number[];
}

/** A core and the block it runs: what is given, and the counters of all stages. Arrays by micro-op are in flight.ts. */
export interface Machine {
  readonly tables: Tables;
  readonly frontEnd: FrontEnd;
  readonly spec: X86Spec;
  readonly forwarding: Forwarding | null;
  readonly recorded: Recorded | null;
  /** Bit p: port p serves loads; any access. */
  readonly loadPorts: number;
  readonly memoryPorts: number;
  readonly hasOccupied: boolean;
  /** By place, 1: a load that waits for the addresses of all older stores, since it once ran ahead of one it meets. */
  readonly cautious: Uint8Array;
  /** Cycle in which each iteration retired. */
  readonly retired: number[];
  /** [iteration * PORTS + port]: micro-ops that the port executed for this and all earlier iterations. */
  readonly portUops: Int32Array;
  /** By port: micro-ops retired so far. */
  readonly tally: Int32Array;
  /** Cycles of the writes of retired stores into the cache, oldest first, from `nextCommit` on. */
  readonly commits: number[];
  nextCommit: number;
  lastCommit: number;
  /** Issue slots delivered by the front end, renamed, retired. */
  delivered: number;
  issued: number;
  retiredSlots: number;
  /** Next slot to rename within its iteration, the first micro-op of that iteration and its number; the same to retire. */
  issueSlot: number;
  issueBase: number;
  issueIteration: number;
  retireSlot: number;
  retireBase: number;
  /** Places taken in the schedulers and buffers. */
  inScheduler: number;
  inMemoryScheduler: number;
  loads: number;
  stores: number;
  loadTurn: number;
  turn: number;
  /** Thousandths of a cycle left over: means that are not whole numbers of cycles are met by carrying them. */
  forwardCarry: number;
  missCarry: number;
  /** Cycles for which memory ports are blocked by TLB misses. */
  blockedCycles: number;
}

/** A core about to start a block of which so many iterations are to retire. */
export function machineOf(
  tables: Tables,
  frontEnd: FrontEnd,
  spec: X86Spec,
  forwarding: Forwarding | null,
  recorded: Recorded | null,
  iterations: number,
): Machine {
  const { loadPorts, storeAddressPorts, storeDataPorts } = spec.backEnd;
  return {
    tables,
    frontEnd,
    spec,
    forwarding,
    recorded,
    loadPorts: portMask(loadPorts),
    memoryPorts: portMask([...loadPorts, ...storeAddressPorts, ...storeDataPorts]),
    hasOccupied: tables.occupancy.some((cycles) => cycles > 1),
    cautious: new Uint8Array(tables.uops),
    retired: [],
    // Several iterations may retire in the last cycle.
    portUops: new Int32Array((iterations + spec.backEnd.retireSlots) * PORTS),
    tally: new Int32Array(PORTS),
    commits: [],
    nextCommit: 0,
    lastCommit: 0,
    delivered: 0,
    issued: 0,
    retiredSlots: 0,
    issueSlot: 0,
    issueBase: 0,
    issueIteration: 0,
    retireSlot: 0,
    retireBase: 0,
    inScheduler: 0,
    inMemoryScheduler: 0,
    loads: 0,
    stores: 0,
    loadTurn: 0,
    turn: 0,
    forwardCarry: 0,
    missCarry: 0,
    blockedCycles: 0,
  };
}
