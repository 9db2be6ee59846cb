import { describe, expect, it } from 'vitest';
import { ACTIONS, type EventLayout, type Observer, STALL_CAUSES } from '../../src/events/events.ts';
import { loadMachine } from '../../src/machine/load.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { fanOut } from '../../src/views/fan-out.ts';
import { Ledger } from '../../src/views/ledger.ts';
import { loadTrace } from '../../src/workload/load.ts';

const LAYOUT: EventLayout = { units: ['array', 'memory'], components: ['array', 'dram'], ops: 3 };
const FILL = STALL_CAUSES.indexOf('fill');
const READ = ACTIONS.indexOf('read');

/** One iteration of a loop body in op 1. */
function iteration(observer: Observer, cycle: number): void {
  observer.busy(0, 1, cycle, 7);
  observer.stall(0, 1, FILL, cycle + 7, 3);
  observer.access(1, 1, READ, 2, 64);
}

describe('ledger', () => {
  it('adds up by op, unit, cause and action', () => {
    const ledger = new Ledger(LAYOUT);
    iteration(ledger, 0);
    iteration(ledger, 10);
    ledger.busy(1, 2, 0, 5);
    expect(ledger.busyCycles(0, 1)).toBe(14);
    expect(ledger.stallCycles(0, 1)).toEqual({ fill: 6 });
    expect(ledger.actions(1)).toEqual([{ component: 'dram', action: 'read', count: 4, bytes: 128 }]);
    expect(ledger.unitTotals(1)).toEqual({ busyCycles: 5, stallCycles: {} });
  });

  it('a fold counts as if every iteration had run, nested loops included', () => {
    const folded = new Ledger(LAYOUT);
    const observer: Observer = folded;
    observer.mark(0);
    observer.mark(1);
    iteration(observer, 0);
    // Nine more of the inner loop, then the whole outer iteration (10 inner ones and 4 cycles) 99 more times.
    observer.fold(1, 9, 10);
    observer.busy(0, 2, 100, 4);
    observer.fold(0, 99, 104);
    const run = new Ledger(LAYOUT);
    for (let outer = 0; outer < 100; outer++) {
      for (let inner = 0; inner < 10; inner++) iteration(run, 0);
      run.busy(0, 2, 0, 4);
    }
    for (let op = 0; op < 3; op++) {
      expect(folded.busyCycles(0, op)).toBe(run.busyCycles(0, op));
      expect(folded.stallCycles(0, op)).toEqual(run.stallCycles(0, op));
      expect(folded.actions(op)).toEqual(run.actions(op));
    }
  });

  it('hears what any other observer hears', () => {
    const [left, right] = [new Ledger(LAYOUT), new Ledger(LAYOUT)];
    iteration(fanOut([left, right]), 0);
    expect(left.actions(1)).toEqual(right.actions(1));
    expect(right.busyCycles(0, 1)).toBe(7);
  });
});

interface TraceEvent {
  readonly ph: string;
  readonly tid: number;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
}

describe('timeline', () => {
  const machine = loadMachine('tpuv1', [], SCHEMAS);
  const trace = loadTrace('squeezenet', { phase: 'inference' }, 'int8');
  const { report, timeline } = simulate(machine, trace, { timeline: true });
  const { traceEvents } = JSON.parse(timeline!) as { traceEvents: TraceEvent[] };
  const spans = traceEvents.filter(({ ph }) => ph === 'X');

  it('is a Chrome trace: threads with names, complete events in microseconds', () => {
    const names = traceEvents.filter(({ ph }) => ph === 'M').map((event) => event.tid);
    for (const tid of new Set(spans.map((span) => span.tid))) expect(names).toContain(tid);
    for (const { ts, dur, name } of spans) {
      expect(ts).toBeGreaterThanOrEqual(0);
      expect(dur).toBeGreaterThan(0);
      expect(name.length).toBeGreaterThan(0);
    }
  });

  it("shows the array's time without a gap or overlap, from the first cycle to the last", () => {
    const array = spans.filter(({ tid }) => tid === 0).sort((left, right) => left.ts - right.ts);
    const cycles = (microseconds: number): number => Math.round((microseconds * report.totals.clockHz) / 1e6);
    let cursor = 0;
    for (const { ts, dur } of array) {
      expect(cycles(ts)).toBe(cursor);
      cursor = cycles(ts + dur);
    }
    expect(cursor).toBe(report.totals.cycles);
  });

  it('changes nothing in the report', () => {
    expect(simulate(machine, trace).report).toEqual(report);
  });
});
