import type { Unit } from '../../../engine/engine.ts';
import { STALL_CAUSES, type StallCause } from '../../../events/events.ts';
import {
  drainCycles,
  earliestShiftCycle,
  earliestStreamCycle,
  type ArrayTiming,
  type PassState,
  shiftCycles,
} from '../pass-timing.ts';
import { LOAD, PASS, STORE, TILE, VECTOR, WAIT_HOST, WAIT_LOAD, WAIT_RESULT, WAIT_VECTOR } from '../program.ts';
import { type Board, describeWait, identity, reportAccesses, waitCycle } from './board.ts';
import type { MemoryUnit } from './memory.ts';
import type { VectorUnit } from './vector.ts';

const ARRAY = 0;
const FILL = cause('fill');
const WEIGHT_STALL = cause('weight-stall');
const WEIGHT_SHIFT = cause('weight-shift');
const RAW = cause('raw');
const ACCUMULATOR = cause('accumulator');
const OPERAND_STALL = cause('operand-stall');
const INPUT = cause('input');
const ISSUE = cause('issue');
/** Lanes of the memory: what an array waits for when one of them is full. */
const BLOCKED_CAUSES: Readonly<Record<number, number>> = {
  [TILE]: WEIGHT_STALL,
  [LOAD]: OPERAND_STALL,
  [STORE]: cause('writeback'),
};

function cause(name: StallCause): number {
  return STALL_CAUSES.indexOf(name);
}

/**
 * The systolic array (all arrays of the chip, which run in step). It takes a stationary tile from the FIFO, shifts it in,
 * streams rows. As the lead unit it names a cause for every cycle in which it does not stream.
 */
export class ArrayUnit implements Unit {
  readonly name = 'array';
  private readonly passes;
  private readonly tiles;
  private readonly previous: PassState = { streamStartCycle: 0, streamEndCycle: 0, drainEndCycle: 0, started: false };
  /** The head pass has its tile shifted in (or being shifted). */
  private shifted = false;
  private shiftStartCycle = 0;
  private shiftEndCycle = 0;
  private tileReadyCycle = 0;
  private tileOffChip = false;

  constructor(
    private readonly board: Board,
    private readonly timing: ArrayTiming,
    private readonly vectorUnit: VectorUnit,
    private readonly memory: MemoryUnit,
  ) {
    this.passes = board.lanes[PASS]!;
    this.tiles = board.lanes[TILE]!;
  }

  nextCycle(): number {
    if (!this.passes.pending) return Number.POSITIVE_INFINITY;
    return this.mustShift() ? this.nextShiftCycle() : this.nextStreamCycle();
  }

  act(cycle: number): void {
    if (this.mustShift()) this.shiftTile(cycle);
    else this.stream(cycle);
  }

  waitingFor(): string | null {
    return describeWait(this.board, PASS);
  }

  private mustShift(): boolean {
    return !this.shifted && this.passes.item(this.passes.started).fetches;
  }

  private nextShiftCycle(): number {
    const tileReady = this.tiles.doneOf(this.board.tilesTaken);
    const visible = this.passes.visibleCycle(this.passes.started);
    return Math.max(tileReady, visible, earliestShiftCycle(this.timing, this.previous));
  }

  private nextStreamCycle(): number {
    const { passes, previous } = this;
    const own = earliestStreamCycle(this.timing, previous, passes.item(passes.started).cycles);
    return Math.max(own, this.shifted ? this.shiftEndCycle : 0, this.readyCycle());
  }

  /** Earliest cycle at which the head pass may stream as far as everything but the array and its tile is concerned. */
  private readyCycle(): number {
    const { board, passes } = this;
    const head = passes.started;
    const result =
      passes.waitOf(head, WAIT_RESULT) < 0 ? 0 : waitCycle(board, passes, head, WAIT_RESULT) + board.syncCycles;
    return Math.max(
      passes.visibleCycle(head),
      result,
      waitCycle(board, passes, head, WAIT_VECTOR),
      waitCycle(board, passes, head, WAIT_LOAD),
      waitCycle(board, passes, head, WAIT_HOST),
    );
  }

  private shiftTile(cycle: number): void {
    this.shifted = true;
    this.tileReadyCycle = this.tiles.doneOf(this.board.tilesTaken);
    this.tileOffChip = this.tiles.item(this.board.tilesTaken).fetches;
    this.shiftStartCycle = cycle;
    this.shiftEndCycle = cycle + shiftCycles(this.timing);
    this.board.takenCycles[this.board.tilesTaken % this.board.takenCycles.length] = cycle;
    this.board.tilesTaken++;
  }

  private stream(startCycle: number): void {
    const { board, passes, previous } = this;
    const pass = passes.item(passes.started);
    this.explainGap(pass.op, board.frontierCycle, startCycle);
    const endCycle = startCycle + pass.cycles;
    const drainEndCycle = endCycle + drainCycles(this.timing);
    board.observer.busy(ARRAY, pass.op, startCycle, pass.cycles);
    reportAccesses(board, pass);
    passes.start(startCycle, drainEndCycle);
    previous.streamStartCycle = startCycle;
    previous.streamEndCycle = endCycle;
    previous.drainEndCycle = drainEndCycle;
    previous.started = true;
    this.shifted = false;
    board.frontierCycle = endCycle;
  }

  /** Names the cause of every cycle in [gapStart, to) in which the array did not stream, looking back from what came last. */
  private explainGap(op: number, gapStart: number, to: number): void {
    const { timing, previous, passes } = this;
    const head = passes.item(passes.started);
    const own = this.shifted
      ? earliestShiftCycle(timing, previous)
      : earliestStreamCycle(timing, previous, head.cycles);
    // Until the array itself could go on it does not matter what else is missing.
    const from = Math.min(to, Math.max(gapStart, own));
    if (from > gapStart) this.board.observer.stall(ARRAY, op, FILL, gapStart, from - gapStart);
    const ready = Math.min(to, this.readyCycle());
    let cursor = to;
    const charge = (start: number, causeIndex: number): void => {
      const begin = Math.max(start, from);
      if (begin >= cursor) return;
      this.board.observer.stall(ARRAY, op, causeIndex, begin, cursor - begin);
      cursor = begin;
    };
    // While a pass could run but for its tile:
    if (this.shifted) {
      charge(Math.max(ready, this.shiftEndCycle), FILL);
      charge(Math.max(ready, this.shiftStartCycle), WEIGHT_SHIFT);
      if (this.tileReadyCycle >= this.shiftStartCycle && this.tileOffChip && ready < cursor) {
        const begin = Math.max(ready, from);
        this.memory.explain(op, begin, cursor, WEIGHT_STALL);
        cursor = begin;
      } else if (this.tileReadyCycle >= this.shiftStartCycle) charge(ready, OPERAND_STALL);
    }
    charge(ready, FILL);
    if (cursor > from) this.explainNotReady(op, from, cursor);
  }

  /** Cycles in which no pass was ready at all. */
  private explainNotReady(op: number, from: number, to: number): void {
    const { board, passes } = this;
    const head = passes.started;
    const whole = (causeIndex: number): void => board.observer.stall(ARRAY, op, causeIndex, from, to - from);
    if (passes.waitOf(head, WAIT_RESULT) >= 0) {
      const done = waitCycle(board, passes, head, WAIT_RESULT);
      if (done + board.syncCycles >= to) {
        const begin = Math.max(from, done);
        if (to > begin) board.observer.stall(ARRAY, op, RAW, begin, to - begin);
        return this.vectorUnit.explain(passes.waitOf(head, WAIT_RESULT), from, begin);
      }
    }
    if (waitCycle(board, passes, head, WAIT_VECTOR) >= to) return whole(ACCUMULATOR);
    if (waitCycle(board, passes, head, WAIT_LOAD) >= to) return this.memory.explain(op, from, to, OPERAND_STALL);
    if (waitCycle(board, passes, head, WAIT_HOST) >= to) return whole(INPUT);
    this.explainIssue(op, from, to);
  }

  /** The pass came late because instructions before it found their lane full. */
  private explainIssue(op: number, from: number, to: number): void {
    const { board } = this;
    const blocked = board.blockedUntilCycle > from;
    if (blocked && board.blockedLane === VECTOR)
      return this.vectorUnit.explain(board.lanes[VECTOR]!.started - 1, from, to);
    const rest = blocked ? BLOCKED_CAUSES[board.blockedLane] : undefined;
    if (rest === undefined) board.observer.stall(ARRAY, op, ISSUE, from, to - from);
    else this.memory.explain(op, from, to, rest);
  }

  snapshot(out: number[], cycle: number, floor: number): void {
    const { previous } = this;
    out.push(
      Math.max(previous.streamStartCycle, floor) - cycle,
      Math.max(previous.streamEndCycle, floor) - cycle,
      Math.max(previous.drainEndCycle, floor) - cycle,
      this.shifted ? (this.tileOffChip ? 2 : 1) : 0,
    );
    if (this.shifted) {
      out.push(
        Math.max(this.shiftStartCycle, floor) - cycle,
        Math.max(this.shiftEndCycle, floor) - cycle,
        Math.max(this.tileReadyCycle, floor) - cycle,
      );
    }
    this.passes.snapshot(out, cycle, floor);
    this.passes.snapshotQueue(out, identity, this.board.waited, cycle, floor);
  }

  shift(cycles: number): void {
    this.previous.streamStartCycle += cycles;
    this.previous.streamEndCycle += cycles;
    this.previous.drainEndCycle += cycles;
    this.shiftStartCycle += cycles;
    this.shiftEndCycle += cycles;
    this.tileReadyCycle += cycles;
    this.board.frontierCycle += cycles;
    this.passes.shift(cycles);
  }
}
