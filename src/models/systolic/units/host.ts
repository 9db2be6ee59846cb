import type { Unit } from '../../../engine/engine.ts';
import { type HOST_IN, type HOST_OUT, WAIT_LOAD, WAIT_VECTOR } from '../program.ts';
import { type Board, describeWait, identity, reportAccesses, UNITS, waitCycle } from './board.ts';

/** One direction of the link to the host: inputs arrive, or results leave once they are in the buffer. */
export class HostUnit implements Unit {
  readonly name: 'hostIn' | 'hostOut';
  private readonly unit: number;
  private readonly lane;
  private freeCycle = 0;

  constructor(
    private readonly board: Board,
    name: 'hostIn' | 'hostOut',
    private readonly laneIndex: typeof HOST_IN | typeof HOST_OUT,
    private readonly latencyCycles: number,
  ) {
    this.lane = board.lanes[laneIndex]!;
    this.name = name;
    this.unit = UNITS.indexOf(name);
  }

  nextCycle(): number {
    const { lane } = this;
    if (!lane.pending) return Number.POSITIVE_INFINITY;
    return Math.max(
      lane.visibleCycle(lane.started),
      this.freeCycle,
      waitCycle(this.board, lane, lane.started, WAIT_VECTOR),
      waitCycle(this.board, lane, lane.started, WAIT_LOAD),
    );
  }

  act(cycle: number): void {
    const { lane } = this;
    const instruction = lane.item(lane.started);
    this.freeCycle = cycle + instruction.cycles;
    this.board.observer.busy(this.unit, instruction.op, cycle, instruction.cycles);
    reportAccesses(this.board, instruction);
    lane.start(cycle, this.freeCycle + this.latencyCycles);
  }

  waitingFor(): string | null {
    return describeWait(this.board, this.laneIndex);
  }

  snapshot(out: number[], cycle: number, floor: number): void {
    out.push(Math.max(this.freeCycle, floor) - cycle);
    this.lane.snapshot(out, cycle, floor);
    this.lane.snapshotQueue(out, identity, this.board.waited, cycle, floor);
  }

  shift(cycles: number): void {
    this.freeCycle += cycles;
    this.lane.shift(cycles);
  }
}
