import type { Unit } from '../../../engine/engine.ts';
import type { Lane } from '../../../engine/lane.ts';
import { STALL_CAUSES, type StallCause } from '../../../events/events.ts';
import {
  type Instruction,
  LOAD,
  STORE,
  TILE,
  WAIT_HOST,
  WAIT_PASS,
  WAIT_RESULT,
  WAIT_STORE,
  WAIT_VECTOR,
} from '../program.ts';
import { type Board, describeWait, identity, reportAccesses, waitCycle } from './board.ts';

const ARRAY = 0;
const MEMORY = 2;
/** What a transfer of each lane is to an array that waits for the channel. */
const CAUSES = { [TILE]: cause('weight-stall'), [LOAD]: cause('operand-stall'), [STORE]: cause('writeback') } as const;
/** Transfers that are remembered: more than can lie within the time that an explanation looks back. */
const REMEMBERED = 64;

function cause(name: StallCause): number {
  return STALL_CAUSES.indexOf(name);
}

/** Who goes first when several could start in the same cycle: what the array waits for, then what it will wait for. */
const PRIORITY = [TILE, LOAD, STORE] as const;

/** The off-chip memory channel: fetches stationary tiles into the FIFO, loads operands, stores results. */
export class MemoryUnit implements Unit {
  readonly name = 'memory';
  private readonly lanes: readonly Lane<Instruction>[];
  private channelFreeCycle = 0;
  private transfers = 0;
  private readonly causes = new Uint8Array(REMEMBERED);
  private readonly ops = new Int32Array(REMEMBERED);
  private readonly startCycles = new Float64Array(REMEMBERED);
  private readonly endCycles = new Float64Array(REMEMBERED);

  constructor(
    private readonly board: Board,
    private readonly latencyCycles: number,
  ) {
    this.lanes = PRIORITY.map((lane) => board.lanes[lane]!);
  }

  nextCycle(): number {
    return Math.min(this.startCycle(0), this.startCycle(1), this.startCycle(2));
  }

  /** Earliest start of the head of one lane; Infinity if it cannot be known yet. */
  private startCycle(index: number): number {
    const { board } = this;
    const lane = this.lanes[index]!;
    if (!lane.pending) return Number.POSITIVE_INFINITY;
    const head = lane.started;
    const channel = lane.item(head).fetches ? this.channelFreeCycle : 0;
    const result =
      lane.waitOf(head, WAIT_RESULT) < 0 ? 0 : waitCycle(board, lane, head, WAIT_RESULT) + board.syncCycles;
    return Math.max(
      channel,
      lane.visibleCycle(head),
      result,
      waitCycle(board, lane, head, WAIT_VECTOR),
      waitCycle(board, lane, head, WAIT_PASS),
      waitCycle(board, lane, head, WAIT_STORE),
      waitCycle(board, lane, head, WAIT_HOST),
      index === 0 ? this.slotCycle(head) : 0,
    );
  }

  /** Cycle at which the FIFO has room for a tile: the one that held its slot has been taken. */
  private slotCycle(tile: number): number {
    const depth = this.board.takenCycles.length;
    if (tile < depth) return 0;
    return tile - depth < this.board.tilesTaken ? this.board.takenCycles[tile % depth]! + 1 : Number.POSITIVE_INFINITY;
  }

  act(cycle: number): void {
    let index = 0;
    while (this.startCycle(index) > cycle) index++;
    const lane = this.lanes[index]!;
    const instruction = lane.item(lane.started);
    const endCycle = cycle + instruction.cycles;
    if (instruction.fetches) {
      this.board.observer.busy(MEMORY, instruction.op, cycle, instruction.cycles);
      this.channelFreeCycle = endCycle;
      this.remember(CAUSES[PRIORITY[index]!], instruction.op, cycle, endCycle);
    }
    reportAccesses(this.board, instruction);
    lane.start(cycle, instruction.fetches ? endCycle + this.latencyCycles : endCycle);
  }

  private remember(causeIndex: number, op: number, startCycle: number, endCycle: number): void {
    const slot = this.transfers % REMEMBERED;
    this.causes[slot] = causeIndex;
    this.ops[slot] = op;
    this.startCycles[slot] = startCycle;
    this.endCycles[slot] = endCycle;
    this.transfers++;
  }

  /**
   * Charges [from, to) of the array's time, in which it waited for the channel, to what occupied it, and to its op; `rest` is the
   * cause, and `op` the op, where nothing did (latency).
   */
  explain(op: number, from: number, to: number, rest: number): void {
    let cursor = to;
    const charge = (start: number, by: number, causeIndex: number): void => {
      const begin = Math.max(start, from);
      if (begin >= cursor) return;
      this.board.observer.stall(ARRAY, by, causeIndex, begin, cursor - begin);
      cursor = begin;
    };
    const oldest = Math.max(0, this.transfers - REMEMBERED);
    for (let index = this.transfers - 1; index >= oldest && cursor > from; index--) {
      const slot = index % REMEMBERED;
      charge(this.endCycles[slot]!, op, rest);
      charge(this.startCycles[slot]!, this.ops[slot]!, this.causes[slot]!);
    }
    charge(from, op, rest);
  }

  waitingFor(): string | null {
    for (const lane of PRIORITY) {
      const reason = describeWait(this.board, lane);
      if (reason !== null) return reason;
    }
    return null;
  }

  snapshot(out: number[], cycle: number, floor: number): void {
    const { takenCycles, tilesTaken } = this.board;
    out.push(Math.max(this.channelFreeCycle, floor) - cycle, this.lanes[0]!.started - tilesTaken);
    const depth = takenCycles.length;
    for (let back = 1; back <= Math.min(depth, tilesTaken); back++) {
      out.push(Math.max(takenCycles[(tilesTaken - back) % depth]!, floor) - cycle);
    }
    for (let index = this.transfers - 1; index >= Math.max(0, this.transfers - REMEMBERED); index--) {
      const slot = index % REMEMBERED;
      if (this.endCycles[slot]! <= floor) break;
      out.push(
        this.causes[slot]!,
        this.ops[slot]!,
        Math.max(this.startCycles[slot]!, floor) - cycle,
        this.endCycles[slot]! - cycle,
      );
    }
    for (const lane of this.lanes) {
      lane.snapshot(out, cycle, floor);
      lane.snapshotQueue(out, identity, this.board.waited, cycle, floor);
    }
  }

  shift(cycles: number): void {
    this.channelFreeCycle += cycles;
    for (let slot = 0; slot < this.board.takenCycles.length; slot++) this.board.takenCycles[slot]! += cycles;
    for (let slot = 0; slot < REMEMBERED; slot++) {
      this.startCycles[slot]! += cycles;
      this.endCycles[slot]! += cycles;
    }
    for (const lane of this.lanes) lane.shift(cycles);
  }
}
