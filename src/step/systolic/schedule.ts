import {
  type ArrayTiming,
  drainCycles,
  earliestShiftCycle,
  earliestStreamCycle,
  type PassState,
  shiftCycles,
} from '../../models/systolic/pass-timing.ts';
import type { Dimensions } from '../matrix.ts';

/** One tile of a product on the array. */
export interface Pass {
  /** First element of each dimension of the product that the tile covers. */
  readonly firstM: number;
  readonly firstK: number;
  readonly firstN: number;
  readonly shiftStartCycle: number;
  readonly streamStartCycle: number;
  /** Rows (output-stationary: steps of the reduction) that stream past, one a cycle. */
  readonly streamed: number;
}

function starts(length: number, step: number): number[] {
  return Array.from({ length: Math.ceil(length / step) }, (_, index) => index * step);
}

/** Tiles in the order in which they run: columns of the result outside, what adds to the same sums inside. */
function tiles({ m, k, n }: Dimensions, { rows, columns, dataflow }: ArrayTiming): Omit<Pass, `${string}Cycle`>[] {
  if (dataflow === 'output-stationary')
    return starts(n, columns).flatMap((firstN) =>
      starts(m, rows).map((firstM) => ({ firstM, firstK: 0, firstN, streamed: k })),
    );
  return starts(n, columns).flatMap((firstN) =>
    starts(k, rows).map((firstK) => ({ firstM: 0, firstK, firstN, streamed: m })),
  );
}

/** When each pass shifts its tile in and streams, as early as the array allows. */
export function schedule(dimensions: Dimensions, timing: ArrayTiming): readonly Pass[] {
  const state: PassState = { streamStartCycle: 0, streamEndCycle: 0, drainEndCycle: 0, started: false };
  return tiles(dimensions, timing).map((tile) => {
    const shiftStartCycle = earliestShiftCycle(timing, state);
    const streamStartCycle = Math.max(
      earliestStreamCycle(timing, state, tile.streamed),
      timing.dataflow === 'output-stationary' ? 0 : shiftStartCycle + shiftCycles(timing),
    );
    state.streamStartCycle = streamStartCycle;
    state.streamEndCycle = streamStartCycle + tile.streamed;
    state.drainEndCycle = state.streamEndCycle + drainCycles(timing);
    state.started = true;
    return { ...tile, shiftStartCycle, streamStartCycle };
  });
}
