import {
  ACTIONS,
  type ActionUse,
  type EventLayout,
  type Observer,
  STALL_CAUSES,
  type StallCause,
} from '../events/events.ts';

/** An action count of one component: how often, and how many bytes. */
export interface ActionCount extends ActionUse {
  readonly count: number;
  readonly bytes: number;
}

const CAUSES = STALL_CAUSES.length;

/**
 * Adds up events: for every op the busy cycles and stalls of each unit, and the actions of each component. What is folded is
 * added again from a log of the additions since the loop's last mark.
 */
export class Ledger implements Observer {
  private readonly totals: Float64Array;
  private readonly opStride: number;
  private readonly actionBase: number;
  private readonly logIndex: number[] = [];
  private readonly logValue: number[] = [];
  /** Length of the log at the last mark of each loop level. */
  private readonly marks: number[] = [];
  private logging = false;

  constructor(readonly layout: EventLayout) {
    this.actionBase = layout.units.length * (1 + CAUSES);
    this.opStride = this.actionBase + layout.components.length * ACTIONS.length * 2;
    this.totals = new Float64Array(this.opStride * layout.ops);
  }

  busy(unit: number, op: number, _startCycle: number, cycles: number): void {
    this.add(op * this.opStride + unit * (1 + CAUSES), cycles);
  }

  stall(unit: number, op: number, cause: number, _startCycle: number, cycles: number): void {
    this.add(op * this.opStride + unit * (1 + CAUSES) + 1 + cause, cycles);
  }

  access(component: number, op: number, action: number, count: number, bytes: number): void {
    const index = op * this.opStride + this.actionBase + (component * ACTIONS.length + action) * 2;
    this.add(index, count);
    if (bytes > 0) this.add(index + 1, bytes);
  }

  private add(index: number, value: number): void {
    this.totals[index]! += value;
    if (this.logging) {
      this.logIndex.push(index);
      this.logValue.push(value);
    }
  }

  mark(level: number): void {
    this.logging = true;
    // The outermost loop needs nothing from before its present iteration.
    if (level === 0) {
      this.logIndex.length = 0;
      this.logValue.length = 0;
    }
    this.marks[level] = this.logIndex.length;
  }

  fold(level: number, times: number): void {
    const end = this.logIndex.length;
    for (let entry = this.marks[level]!; entry < end; entry++)
      this.add(this.logIndex[entry]!, this.logValue[entry]! * times);
  }

  busyCycles(unit: number, op: number): number {
    return this.totals[op * this.opStride + unit * (1 + CAUSES)]!;
  }

  /** Stall cycles of one unit in one op by cause, without the zeros. */
  stallCycles(unit: number, op: number): Partial<Record<StallCause, number>> {
    const result: Partial<Record<StallCause, number>> = {};
    const base = op * this.opStride + unit * (1 + CAUSES) + 1;
    for (let cause = 0; cause < CAUSES; cause++) {
      const cycles = this.totals[base + cause]!;
      if (cycles > 0) result[STALL_CAUSES[cause]!] = cycles;
    }
    return result;
  }

  /** Busy cycles and stalls by cause of one unit over all ops. */
  unitTotals(unit: number): { busyCycles: number; stallCycles: Partial<Record<StallCause, number>> } {
    const sums = new Float64Array(1 + CAUSES);
    for (let op = 0; op < this.layout.ops; op++) {
      const base = op * this.opStride + unit * (1 + CAUSES);
      for (let index = 0; index <= CAUSES; index++) sums[index]! += this.totals[base + index]!;
    }
    const stallCycles: Partial<Record<StallCause, number>> = {};
    for (let cause = 0; cause < CAUSES; cause++)
      if (sums[1 + cause]! > 0) stallCycles[STALL_CAUSES[cause]!] = sums[1 + cause]!;
    return { busyCycles: sums[0]!, stallCycles };
  }

  /** Actions counted in one op. */
  actions(op: number): ActionCount[] {
    const result: ActionCount[] = [];
    const base = op * this.opStride + this.actionBase;
    for (let component = 0; component < this.layout.components.length; component++) {
      for (let action = 0; action < ACTIONS.length; action++) {
        const at = base + (component * ACTIONS.length + action) * 2;
        const count = this.totals[at]!;
        if (count > 0)
          result.push({
            component: this.layout.components[component]!,
            action: ACTIONS[action]!,
            count,
            bytes: this.totals[at + 1]!,
          });
      }
    }
    return result;
  }
}
