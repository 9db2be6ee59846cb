import type { Unit } from '../../../engine/engine.ts';
import { STALL_CAUSES } from '../../../events/events.ts';
import { VECTOR, WAIT_HOST, WAIT_LOAD, WAIT_PASS, WAIT_RESULT, WAIT_VECTOR } from '../program.ts';
import { type Board, describeWait, identity, QUEUE_DEPTH, reportAccesses, waitCycle } from './board.ts';
import type { MemoryUnit } from './memory.ts';

const ARRAY = 0;
const VECTOR_UNIT = 1;
const DRAIN = STALL_CAUSES.indexOf('drain');
const ACTIVATION = STALL_CAUSES.indexOf('activation');
const ALONE = STALL_CAUSES.indexOf('vector');
const RAW = STALL_CAUSES.indexOf('raw');
const INPUT = STALL_CAUSES.indexOf('input');
const OPERAND_STALL = STALL_CAUSES.indexOf('operand-stall');
const ISSUE = STALL_CAUSES.indexOf('issue');

/** What determined the cycle at which a vector instruction started. */
const BY_PREVIOUS = 0;
const BY_DRAIN = 1;
const BY_RESULT = 2;
const BY_HOST = 3;
const BY_LOAD = 4;
const BY_ISSUE = 5;

/** The activation and vector unit: empties accumulators into the buffer, and runs pooling, normalisation and the like. */
export class VectorUnit implements Unit {
  readonly name = 'vectorUnit';
  private readonly lane;
  private freeCycle = 0;
  /** What each remembered instruction started by, and the sequence number of the result it waited for. */
  private readonly startedBy = new Uint8Array(QUEUE_DEPTH * 4);
  private readonly startedAfter = new Float64Array(QUEUE_DEPTH * 4);

  constructor(
    private readonly board: Board,
    private readonly latencyCycles: number,
    private readonly memory: MemoryUnit,
  ) {
    this.lane = board.lanes[VECTOR]!;
  }

  nextCycle(): number {
    const { board, lane } = this;
    if (!lane.pending) return Number.POSITIVE_INFINITY;
    const head = lane.started;
    return Math.max(
      lane.visibleCycle(head),
      this.freeCycle,
      waitCycle(board, lane, head, WAIT_PASS),
      this.resultCycle(head),
      waitCycle(board, lane, head, WAIT_VECTOR),
      waitCycle(board, lane, head, WAIT_LOAD),
      waitCycle(board, lane, head, WAIT_HOST),
    );
  }

  private resultCycle(sequence: number): number {
    const waits = this.lane.waitOf(sequence, WAIT_RESULT) >= 0;
    return waits ? waitCycle(this.board, this.lane, sequence, WAIT_RESULT) + this.board.syncCycles : 0;
  }

  act(cycle: number): void {
    const { board, lane } = this;
    const head = lane.started;
    const instruction = lane.item(head);
    const slot = head % this.startedBy.length;
    this.startedBy[slot] = this.reason(head, cycle);
    this.startedAfter[slot] = lane.waitOf(head, WAIT_RESULT);
    board.observer.busy(VECTOR_UNIT, instruction.op, cycle, instruction.cycles);
    reportAccesses(board, instruction);
    this.freeCycle = cycle + instruction.cycles;
    lane.start(cycle, this.freeCycle + this.latencyCycles);
  }

  private reason(head: number, cycle: number): number {
    const { board, lane } = this;
    if (waitCycle(board, lane, head, WAIT_PASS) >= cycle) return BY_DRAIN;
    if (lane.waitOf(head, WAIT_RESULT) >= 0 && this.resultCycle(head) >= cycle) return BY_RESULT;
    if (waitCycle(board, lane, head, WAIT_HOST) >= cycle) return BY_HOST;
    if (waitCycle(board, lane, head, WAIT_LOAD) >= cycle) return BY_LOAD;
    return this.freeCycle >= cycle || waitCycle(board, lane, head, WAIT_VECTOR) >= cycle ? BY_PREVIOUS : BY_ISSUE;
  }

  /** Charges [from, to) of the lead unit's time, which ended with the result of instruction `sequence`, along the chain of what held it up. */
  explain(sequence: number, from: number, to: number): void {
    const { lane, board } = this;
    let cursor = to;
    let current = sequence;
    const charge = (op: number, start: number, cause: number): void => {
      const begin = Math.max(start, from);
      if (begin < cursor) board.observer.stall(ARRAY, op, cause, begin, cursor - begin);
      cursor = Math.min(cursor, begin);
    };
    while (cursor > from) {
      if (!lane.remembers(current)) return charge(lane.item(Math.max(0, lane.started - 1)).op, from, ALONE);
      const { op, waits } = lane.item(current);
      charge(op, lane.startOf(current), waits[WAIT_PASS] === undefined ? ALONE : ACTIVATION);
      const slot = current % this.startedBy.length;
      switch (this.startedBy[slot]) {
        case BY_DRAIN:
          return charge(op, from, DRAIN);
        case BY_HOST:
          return charge(op, from, INPUT);
        case BY_LOAD:
          return this.memory.explain(op, from, cursor, OPERAND_STALL);
        case BY_ISSUE:
          return charge(op, from, ISSUE);
        case BY_RESULT:
          current = this.startedAfter[slot]!;
          charge(op, lane.doneOf(current), RAW);
          break;
        default:
          current -= 1;
          charge(op, lane.remembers(current) ? lane.doneOf(current) : from, ALONE);
      }
    }
  }

  waitingFor(): string | null {
    return describeWait(this.board, VECTOR);
  }

  snapshot(out: number[], cycle: number, floor: number): void {
    out.push(Math.max(this.freeCycle, floor) - cycle);
    for (let sequence = this.lane.started - 1; this.lane.remembers(sequence); sequence--) {
      if (this.lane.doneOf(sequence) <= floor) break;
      const slot = sequence % this.startedBy.length;
      const after = this.startedBy[slot] === BY_RESULT ? this.lane.issued - this.startedAfter[slot]! : 0;
      out.push(this.startedBy[slot]!, after, this.lane.item(sequence).id);
    }
    this.lane.snapshot(out, cycle, floor);
    this.lane.snapshotQueue(out, identity, this.board.waited, cycle, floor);
  }

  shift(cycles: number): void {
    this.freeCycle += cycles;
    this.lane.shift(cycles);
  }
}
