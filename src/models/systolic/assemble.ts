import { Engine } from '../../engine/engine.ts';
import { LoopFolder } from '../../engine/fold.ts';
import { type Observer, STALL_CAUSES } from '../../events/events.ts';
import { HOST_IN, HOST_OUT, type Program, STORE, VECTOR } from './program.ts';
import type { SystolicSpec } from './spec.ts';
import { ArrayUnit } from './units/array.ts';
import { type Board, createBoard } from './units/board.ts';
import { HostUnit } from './units/host.ts';
import { IssueUnit } from './units/issue.ts';
import { MemoryUnit } from './units/memory.ts';
import { VectorUnit } from './units/vector.ts';

const ARRAY = 0;
const DRAIN = STALL_CAUSES.indexOf('drain');
const OUTPUT = STALL_CAUSES.indexOf('output');
const WRITEBACK = STALL_CAUSES.indexOf('writeback');

/** Runs a program; returns the cycles until everything has ended. */
export function runProgram(
  spec: SystolicSpec,
  program: Program,
  observer: Observer,
  options: { readonly unfolded: boolean },
): number {
  const cyclesOf = (ns: number): number => Math.round((ns * spec.clockMHz) / 1e3);
  const board = createBoard(observer, spec.layerSyncCycles, spec.weightFifoTiles);
  const memoryLatency = cyclesOf(spec.memory.latencyNs);
  const memory = new MemoryUnit(board, memoryLatency);
  const vectorUnit = new VectorUnit(board, spec.vectorUnit.latencyCycles, memory);
  const hostLatency = cyclesOf(spec.hostLink?.latencyNs ?? 0);
  const { rows, columns, dataflow, doubleBuffered, overlapPasses } = spec.array;
  const issue = new IssueUnit(board, program.nodes);
  const units = [
    issue,
    new ArrayUnit(board, { rows, columns, dataflow, doubleBuffered, overlapPasses }, vectorUnit, memory),
    vectorUnit,
    memory,
    new HostUnit(board, 'hostIn', HOST_IN, hostLatency),
    new HostUnit(board, 'hostOut', HOST_OUT, hostLatency),
  ];
  // No decision looks further back than the array's timeline and the longest delay after an event.
  const lookBack = spec.layerSyncCycles + memoryLatency + hostLatency + rows + columns;
  if (!options.unfolded) issue.folder = new LoopFolder(units, () => board.frontierCycle - lookBack);
  new Engine(units).run();
  return finish(board, vectorUnit);
}

/** Accounts for the time between the array's last row and the end of the run. */
function finish(board: Board, vectorUnit: VectorUnit): number {
  const end = board.lanes.reduce((latest, lane) => Math.max(latest, lane.lastDoneCycle), 0);
  const vectors = board.lanes[VECTOR]!;
  let cursor = end;
  const charge = (start: number, op: number, cause: number): void => {
    const begin = Math.max(start, board.frontierCycle);
    if (begin >= cursor) return;
    board.observer.stall(ARRAY, op, cause, begin, cursor - begin);
    cursor = begin;
  };
  for (const [laneIndex, cause] of [
    [HOST_OUT, OUTPUT],
    [STORE, WRITEBACK],
  ] as const) {
    const lane = board.lanes[laneIndex]!;
    if (lane.started > 0 && lane.lastDoneCycle >= cursor)
      charge(vectors.lastDoneCycle, lane.item(lane.started - 1).op, cause);
  }
  if (vectors.started > 0 && vectors.lastDoneCycle >= cursor && cursor > board.frontierCycle) {
    vectorUnit.explain(vectors.started - 1, board.frontierCycle, cursor);
    cursor = board.frontierCycle;
  }
  const passes = board.lanes[0]!;
  if (cursor > board.frontierCycle)
    charge(board.frontierCycle, passes.started > 0 ? passes.item(passes.started - 1).op : 0, DRAIN);
  return end;
}
