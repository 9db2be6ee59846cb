export interface ArrayTiming {
  readonly rows: number;
  readonly columns: number;
  readonly dataflow: 'weight-stationary' | 'output-stationary' | 'input-stationary';
  readonly doubleBuffered: boolean;
  readonly overlapPasses: boolean;
}
export interface PassState { streamStartCycle: number; streamEndCycle: number; drainEndCycle: number; started: boolean }
export function shiftCycles(timing: ArrayTiming): number {
  return timing.dataflow === 'output-stationary' ? 0 : timing.rows;
}
export function drainCycles(timing: ArrayTiming): number {
  return timing.rows + timing.columns - 2;
}
export function earliestShiftCycle(timing: ArrayTiming, previous: PassState): number {
  if (!previous.started) return 0;
  if (timing.doubleBuffered) return previous.streamStartCycle;
  return timing.overlapPasses ? previous.streamEndCycle : previous.drainEndCycle;
}
export function earliestStreamCycle(timing: ArrayTiming, previous: PassState, streamedCycles: number): number {
  if (!previous.started) return 0;
  if (!timing.overlapPasses) return previous.drainEndCycle;
  if (timing.dataflow !== 'output-stationary') return previous.streamEndCycle;
  return Math.max(previous.streamEndCycle, previous.streamEndCycle + timing.rows - streamedCycles);
}
