import { Lane } from '../../../engine/lane.ts';
import type { Observer } from '../../../events/events.ts';
import { type Instruction, LANES, LOAD, PASS, TILE, VECTOR, WAIT_LANES } from '../program.ts';

/** Instructions a lane can hold before the in-order issue stops. Deep enough to reach past the weight FIFO. */
export const QUEUE_DEPTH = 16;

/** Units in the order of the event layout; the array leads. */
export const UNITS = ['array', 'vectorUnit', 'memory', 'hostIn', 'hostOut'] as const;

/** What all units of one machine share: the lanes, and the observer. */
export interface Board {
  readonly lanes: readonly Lane<Instruction>[];
  /** For each kind of wait the lane it looks at. */
  readonly waited: readonly Lane<Instruction>[];
  readonly observer: Observer;
  /** Explicit synchronisation before a dependent layer, cycles. */
  readonly syncCycles: number;
  /** The lead unit's timeline is accounted for up to here. */
  frontierCycle: number;
  /** When issue last stood still because a lane was full: that lane, and until which cycle. */
  blockedLane: number;
  blockedUntilCycle: number;
  /** Stationary tiles taken out of the FIFO so far. */
  tilesTaken: number;
  /** For each slot of the FIFO the cycle at which its last tile was taken. */
  readonly takenCycles: Float64Array;
}

export function createBoard(observer: Observer, syncCycles: number, fifoTiles: number): Board {
  const lanes = LANES.map((name) => new Lane<Instruction>(name, QUEUE_DEPTH, WAIT_LANES.length));
  return {
    lanes,
    waited: WAIT_LANES.map((lane) => lanes[lane]!),
    observer,
    syncCycles,
    frontierCycle: 0,
    blockedLane: 0,
    blockedUntilCycle: 0,
    tilesTaken: 0,
    takenCycles: new Float64Array(fifoTiles),
  };
}

/** Cycle at which wait `index` of a queued item is satisfied; 0 if it waits for nothing, Infinity if not yet known. */
export function waitCycle(board: Board, lane: Lane<Instruction>, sequence: number, index: number): number {
  const waited = lane.waitOf(sequence, index);
  return waited < 0 ? 0 : board.waited[index]!.doneOf(waited);
}

/** Reports the energy-relevant actions of an instruction. */
export function reportAccesses(board: Board, instruction: Instruction): void {
  for (const access of instruction.accesses) {
    board.observer.access(access.component, instruction.op, access.action, access.count, access.bytes);
  }
}

export function identity(instruction: Instruction): number {
  return instruction.id;
}

/** Lanes a person asking about a deadlock wants to read about. */
export function describeWait(board: Board, laneIndex: number): string | null {
  const lane = board.lanes[laneIndex]!;
  if (!lane.pending) return null;
  const names = [PASS, VECTOR, TILE, LOAD].map((index) => {
    const other = board.lanes[index]!;
    return `${other.name} ${other.started}/${other.issued}`;
  });
  return `op ${lane.item(lane.started).op} (${names.join(', ')} started/issued)`;
}
