import { type Observer, STALL_CAUSES, type StallCause } from '../../../events/events.ts';

/** Cycles of a pool of cores that one op took for one reason; null: products. */
export interface Span {
  readonly op: number;
  readonly cause: StallCause | null;
  readonly cycles: number;
  /** Share of the machine's cores that the pool has. */
  readonly share: number;
}

const PIPELINE = STALL_CAUSES.indexOf('pipeline');

/**
 * Tells observers what the PEs did as one unit, in order. Pools that work at the same time follow each other in cycles of the whole machine;
 * what is left of its time is that of pools that had less to do. Returns the cycles of the run.
 */
export function reportSpans(observer: Observer, unit: number, spans: readonly Span[], cycles: number): number {
  let cursor = 0;
  let last = 0;
  for (const { op, cause, cycles: own, share } of spans) {
    // Products are in cycles of the whole machine already.
    const scaled = cause === null ? own : Math.floor(own * share);
    if (scaled === 0) continue;
    if (cause === null) observer.busy(unit, op, cursor, scaled);
    else observer.stall(unit, op, STALL_CAUSES.indexOf(cause), cursor, scaled);
    cursor += scaled;
    last = op;
  }
  if (cursor < cycles) observer.stall(unit, last, PIPELINE, cursor, cycles - cursor);
  return Math.max(cursor, cycles);
}
