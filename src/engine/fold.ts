import type { Unit } from './engine.ts';

/** State at the top of some iteration of a loop, which later iterations are compared with. */
interface Anchor {
  cycle: number;
  /** State of all units relative to `cycle`, one after the other. */
  readonly state: number[];
  /** Iterations since. */
  age: number;
  /** Age at which a younger anchor takes over. */
  limit: number;
}

/** Whole periods that can be skipped: `iterations` of the loop take `cycles` and leave every unit as it was. */
export interface Period {
  readonly iterations: number;
  readonly cycles: number;
}

/** Loops with fewer steps than this cost less to run than to watch; most end before a pipeline has filled and repeats itself. */
const FEWEST_STEPS = 256;
const FEWEST_ITERATIONS = 4;

/**
 * Exact folding of loops. At the top of each iteration the state of all units, relative to the present cycle, is compared
 * with an anchor (Brent's cycle search: the anchor moves up after 1, 2, 4, ... iterations, so a period of any length is
 * found). When it recurs, what follows is a copy, later by a whole period. Units decide only from the state they put into
 * their snapshot, so folding cannot change a result.
 */
export class LoopFolder {
  /** Anchor of each nesting level; undefined while its loop is not worth watching. */
  private readonly anchors: (Anchor | undefined)[] = [];
  private readonly scratch: number[] = [];

  constructor(
    private readonly units: readonly Unit[],
    /** Latest cycle that no future decision or attribution looks behind. */
    private readonly floor: () => number,
  ) {}

  /** A loop of `times` iterations of `steps` steps is entered at nesting `level`. Returns whether an anchor was set. */
  enter(level: number, times: number, steps: number, cycle: number): boolean {
    this.anchors[level] = undefined;
    if (times < FEWEST_ITERATIONS || times * steps < FEWEST_STEPS) return false;
    this.setAnchor(level, cycle, 1);
    return true;
  }

  /** An iteration ended. Returns the period if the anchor's state recurred, 'moved' if the anchor moved up, else null. */
  iterate(level: number, cycle: number): Period | 'moved' | null {
    const anchor = this.anchors[level];
    if (anchor === undefined) return null;
    anchor.age++;
    if (this.matches(anchor, cycle)) {
      this.anchors[level] = undefined;
      return { iterations: anchor.age, cycles: cycle - anchor.cycle };
    }
    if (anchor.age < anchor.limit) return null;
    this.setAnchor(level, cycle, anchor.limit * 2);
    return 'moved';
  }

  /** Advances every unit by `cycles`. Anchors stay: the folded time belongs to the enclosing loops' iterations. */
  shift(cycles: number): void {
    for (const unit of this.units) unit.shift(cycles);
  }

  private setAnchor(level: number, cycle: number, limit: number): void {
    const state: number[] = [];
    const floor = Math.min(cycle, this.floor());
    for (const unit of this.units) unit.snapshot(state, cycle, floor);
    this.anchors[level] = { cycle, state, age: 0, limit };
  }

  /** Compares unit by unit, so that most differences are found at once. */
  private matches(anchor: Anchor, cycle: number): boolean {
    if (cycle === anchor.cycle) return false;
    const { scratch } = this;
    const floor = Math.min(cycle, this.floor());
    let position = 0;
    for (const unit of this.units) {
      scratch.length = 0;
      unit.snapshot(scratch, cycle, floor);
      for (const value of scratch) if (value !== anchor.state[position++]) return false;
    }
    return position === anchor.state.length;
  }
}
