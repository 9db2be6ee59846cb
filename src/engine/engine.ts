import { Deadlock } from '../errors.ts';

/** The smallest piece of hardware that can stall by itself. Asking has no side effect; acting cannot fail. */
export interface Unit {
  readonly name: string;
  /** Earliest cycle at which the unit can act as far as it knows now; Infinity while it waits for another unit. */
  nextCycle(): number;
  /** Does what it said it could do at `cycle`. Others see the effect from the next cycle on. */
  act(cycle: number): void;
  /** What the unit waits for, for people; null when it has nothing left to do. */
  waitingFor(): string | null;
  /** Appends all state that future behaviour depends on, times relative to `cycle` and not below `floor`. */
  snapshot(out: number[], cycle: number, floor: number): void;
  /** Moves all times in its state `cycles` later. */
  shift(cycles: number): void;
}

/** Steps that a run may take before it is called endless: far above any program that the limits on inputs allow. */
const MAX_STEPS = 2e9;

/** Advances units in time, always to the earliest cycle in which one can act. Knows no accelerator. */
export class Engine {
  /** The present cycle. */
  cycle = 0;

  constructor(private readonly units: readonly Unit[]) {}

  /** Runs until no unit has anything left to do. Throws Deadlock if work is pending that nobody can do. */
  run(): void {
    for (let step = 0; step < MAX_STEPS; step++) {
      let earliest = Number.POSITIVE_INFINITY;
      let next: Unit | undefined;
      for (const unit of this.units) {
        const cycle = unit.nextCycle();
        if (cycle < earliest) {
          earliest = cycle;
          next = unit;
        }
      }
      if (next === undefined) return this.finish();
      if (earliest > this.cycle) this.cycle = earliest;
      next.act(this.cycle);
    }
    throw new Deadlock(this.cycle, ['the run takes more steps than any program should']);
  }

  private finish(): void {
    const waiting: string[] = [];
    for (const unit of this.units) {
      const reason = unit.waitingFor();
      if (reason !== null) waiting.push(`${unit.name} waits for ${reason}`);
    }
    if (waiting.length > 0) throw new Deadlock(this.cycle, waiting);
  }
}
