/**
 * When passes may follow each other on one array. Every rule is held against register-level simulators of the PE grid
 * (test/oracle) and against Verilog (test/verilog), which also show that no rule can be relaxed by a cycle.
 */
export interface ArrayTiming {
  readonly rows: number;
  readonly columns: number;
  readonly dataflow: 'weight-stationary' | 'output-stationary' | 'input-stationary';
  /** A second register in each PE takes the next stationary tile while the present one is in use. */
  readonly doubleBuffered: boolean;
  /** A pass may stream while results of the one before still leave. */
  readonly overlapPasses: boolean;
}

/** The pass that streamed last. */
export interface PassState {
  streamStartCycle: number;
  streamEndCycle: number;
  drainEndCycle: number;
  /** false: no pass has streamed yet. */
  started: boolean;
}

/** Cycles to shift a stationary tile in: one row of it a cycle. Nothing stays in an output-stationary array but sums. */
export function shiftCycles(timing: ArrayTiming): number {
  return timing.dataflow === 'output-stationary' ? 0 : timing.rows;
}

/**
 * Cycles from the last row entering to the last result leaving: the skewed operands still cross rows - 1 and columns - 1
 * PEs. (Output-stationary: the last sum is complete then, and leaves while the next pass fills.)
 */
export function drainCycles(timing: ArrayTiming): number {
  return timing.rows + timing.columns - 2;
}

/** Earliest cycle at which the next tile may start to shift in. */
export function earliestShiftCycle(timing: ArrayTiming, previous: PassState): number {
  if (!previous.started) return 0;
  // The second registers are free as soon as the present tile has been taken over, which the first row does.
  if (timing.doubleBuffered) return previous.streamStartCycle;
  return timing.overlapPasses ? previous.streamEndCycle : previous.drainEndCycle;
}

/** Earliest cycle at which the next pass, of `streamedCycles`, may stream its first row. */
export function earliestStreamCycle(timing: ArrayTiming, previous: PassState, streamedCycles: number): number {
  if (!previous.started) return 0;
  if (!timing.overlapPasses) return previous.drainEndCycle;
  if (timing.dataflow !== 'output-stationary') return previous.streamEndCycle;
  // The sums of a column leave row by row: those of a pass shorter than the column must not overtake them.
  return Math.max(previous.streamEndCycle, previous.streamEndCycle + timing.rows - streamedCycles);
}
