import { type EventLayout, type Observer, STALL_CAUSES } from '../events/events.ts';
import type { Trace } from '../trace/trace.ts';

interface Span {
  readonly unit: number;
  readonly op: number;
  /** Stall cause, or null for busy. */
  readonly cause: string | null;
  readonly startCycle: number;
  readonly cycles: number;
  readonly note?: string;
}

/** Spans kept at most: a file of some 100 MB, about what a trace viewer can open. */
const MAX_SPANS = 1_000_000;

/** Records what every unit does when, for a trace viewer. Folded loops appear as one span that says how often it repeats. */
export class Timeline implements Observer {
  private readonly spans: Span[] = [];
  private dropped = 0;
  private lastOp = 0;
  private lastCycle = 0;

  constructor(
    private readonly layout: EventLayout,
    private readonly trace: Trace,
    private readonly clockHz: number,
  ) {}

  busy(unit: number, op: number, startCycle: number, cycles: number): void {
    this.add({ unit, op, cause: null, startCycle, cycles });
  }

  stall(unit: number, op: number, cause: number, startCycle: number, cycles: number): void {
    this.add({ unit, op, cause: STALL_CAUSES[cause]!, startCycle, cycles });
  }

  access(): void {
    // Actions have no duration.
  }

  mark(): void {
    // Every iteration that runs records its own spans.
  }

  fold(_level: number, times: number, periodCycles: number): void {
    const note = `${times} more iterations of ${periodCycles} cycles, all like the one before`;
    this.add({ unit: 0, op: this.lastOp, cause: null, startCycle: this.lastCycle, cycles: times * periodCycles, note });
  }

  private add(span: Span): void {
    if (span.unit === 0) {
      this.lastOp = span.op;
      this.lastCycle = span.startCycle + span.cycles;
    }
    if (this.spans.length < MAX_SPANS) this.spans.push(span);
    else this.dropped++;
  }

  /** Chrome trace event format: one process, one thread for each unit, times in microseconds. */
  toJson(totalCycles: number): string {
    const microseconds = (cycles: number): number => (cycles / this.clockHz) * 1e6;
    const names = this.layout.units.map((name, tid) => ({ ph: 'M', pid: 1, tid, name: 'thread_name', args: { name } }));
    const events = this.spans.map((span) => ({
      ph: 'X',
      pid: 1,
      tid: span.unit,
      name:
        span.note === undefined
          ? (span.cause ?? this.trace.ops[span.op]!.name)
          : `${this.trace.ops[span.op]!.name} (repeats)`,
      cat: span.cause === null ? 'busy' : 'stall',
      ts: microseconds(span.startCycle),
      dur: microseconds(span.cycles),
      args: {
        op: this.trace.ops[span.op]!.name,
        startCycle: span.startCycle,
        cycles: span.cycles,
        ...(span.note && { note: span.note }),
      },
    }));
    return JSON.stringify({
      displayTimeUnit: 'ns',
      otherData: { workload: this.trace.workload.name, totalCycles, clockHz: this.clockHz, droppedSpans: this.dropped },
      traceEvents: [...names, ...events],
    });
  }
}
