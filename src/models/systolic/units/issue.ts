import type { Unit } from '../../../engine/engine.ts';
import type { LoopFolder } from '../../../engine/fold.ts';
import { type Instruction, isLoop, type Node, WAIT_LANES } from '../program.ts';
import type { Board } from './board.ts';

/** Position in one level of nested loops. */
interface Frame {
  body: readonly Node[];
  index: number;
  iterationsLeft: number;
}

/** Issues instructions in program order, one a cycle, stopping while the lane of the next one is full. Folds loops. */
export class IssueUnit implements Unit {
  readonly name = 'issue';
  private readonly frames: Frame[];
  private lastIssueCycle = -1;
  /** null: every iteration is run. */
  folder: LoopFolder | null = null;

  constructor(
    private readonly board: Board,
    program: readonly Node[],
  ) {
    this.frames = [{ body: program, index: 0, iterationsLeft: 1 }];
  }

  nextCycle(): number {
    if (this.frames.length === 0) return Number.POSITIVE_INFINITY;
    const frame = this.frames[this.frames.length - 1]!;
    const node = frame.body[frame.index];
    if (node === undefined || isLoop(node)) return this.lastIssueCycle + 1;
    return this.board.lanes[node.lane]!.full ? Number.POSITIVE_INFINITY : this.lastIssueCycle + 1;
  }

  act(cycle: number): void {
    const frame = this.frames[this.frames.length - 1]!;
    const node = frame.body[frame.index];
    if (node === undefined) return this.endIteration(frame, cycle);
    frame.index++;
    if (!isLoop(node)) return this.issue(node, cycle);
    this.frames.push({ body: node.body, index: 0, iterationsLeft: node.times });
    const level = this.frames.length - 2;
    if (this.folder?.enter(level, node.times, node.instructions, cycle) === true) this.board.observer.mark(level);
  }

  private issue(instruction: Instruction, cycle: number): void {
    const lane = this.board.lanes[instruction.lane]!;
    const { waits } = instruction;
    // Sequence numbers before this instruction joins its own lane: 0 back is the one issued last.
    for (let index = 0; index < WAIT_LANES.length; index++) {
      const back = waits[index];
      this.resolved[index] = back === undefined ? -1 : this.board.waited[index]!.issued - 1 - back;
    }
    if (cycle > this.lastIssueCycle + 1) {
      this.board.blockedLane = instruction.lane;
      this.board.blockedUntilCycle = cycle;
    }
    lane.push(instruction, cycle);
    for (let index = 0; index < WAIT_LANES.length; index++) lane.setWait(index, this.resolved[index]!);
    this.lastIssueCycle = cycle;
  }
  private readonly resolved = new Float64Array(WAIT_LANES.length);

  private endIteration(frame: Frame, cycle: number): void {
    frame.iterationsLeft--;
    frame.index = 0;
    if (frame.iterationsLeft === 0) {
      this.frames.pop();
      return;
    }
    const level = this.frames.length - 2;
    const period = this.folder?.iterate(level, cycle) ?? null;
    if (period === 'moved') this.board.observer.mark(level);
    if (period === null || period === 'moved') return;
    const times = Math.floor(frame.iterationsLeft / period.iterations);
    if (times > 0) {
      this.board.observer.fold(level, times, period.cycles);
      this.folder!.shift(period.cycles * times);
      frame.iterationsLeft -= times * period.iterations;
    }
    if (frame.iterationsLeft === 0) this.frames.pop();
  }

  waitingFor(): string | null {
    return this.frames.length === 0 ? null : 'room in a full lane';
  }

  snapshot(out: number[], cycle: number, floor: number): void {
    const { blockedLane, blockedUntilCycle } = this.board;
    out.push(Math.max(this.lastIssueCycle, floor) - cycle);
    if (blockedUntilCycle > floor) out.push(blockedLane, blockedUntilCycle - cycle);
  }

  shift(cycles: number): void {
    this.lastIssueCycle += cycles;
    this.board.blockedUntilCycle += cycles;
  }
}
