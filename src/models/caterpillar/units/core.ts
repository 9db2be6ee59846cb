import { ModelBug } from '../../../errors.ts';
import type { Fmac, Loop, Operand, Program, Step, Word } from '../micro/program.ts';

/** What the PEs of a core do in a program; per PE, except where said. All PEs do the same, but for who sends on a bus. */
export interface CoreCounts {
  /** Until the last result is stored or on its way out. */
  cycles: number;
  /** In which the core is given a word: the next program may follow. */
  issueCycles: number;
  fmacs: number;
  readsA: number;
  writesA: number;
  readsB: number;
  writesB: number;
  /** Words sent over a bus of the core, by one PE each. */
  laneWords: number;
  /** Words sent to a neighbour or, from the last position, to the port. */
  linkWords: number;
}

function noCounts(): CoreCounts {
  return {
    cycles: 0,
    issueCycles: 0,
    fmacs: 0,
    readsA: 0,
    writesA: 0,
    readsB: 0,
    writesB: 0,
    laneWords: 0,
    linkWords: 0,
  };
}

function add(into: CoreCounts, from: CoreCounts, times: number): void {
  for (const key of Object.keys(into) as (keyof CoreCounts)[]) into[key] += from[key] * times;
}

/** Cycles and actions of a program. Loops are counted once and multiplied, or run iteration by iteration if `unfolded`: the same result. */
export function runOnCore(program: Program, size: number, unfolded = false): CoreCounts {
  const counts = noCounts();
  countSteps(program.steps, counts, unfolded);
  counts.issueCycles = counts.cycles;
  counts.cycles += program.drainCycles;
  // Each PE sends for its lane once in `size` turns, and reads memory A for that.
  counts.readsA += counts.laneWords / size;
  counts.laneWords /= size;
  return counts;
}

function countSteps(steps: readonly Step[], counts: CoreCounts, unfolded: boolean): void {
  for (const step of steps) {
    if (step.kind === 'wait') counts.cycles += step.cycles;
    else if (step.kind === 'word') countWord(step, counts);
    else countLoop(step, counts, unfolded);
  }
}

function countLoop({ times, body }: Loop, counts: CoreCounts, unfolded: boolean): void {
  if (unfolded) {
    for (let index = 0; index < times; index++) countSteps(body, counts, true);
    return;
  }
  const once = noCounts();
  countSteps(body, once, false);
  add(counts, once, times);
}

function countWord({ fmac, latch, initial }: Word, counts: CoreCounts): void {
  counts.cycles++;
  if (latch !== undefined) counts.readsA++;
  if (initial !== undefined) counts.readsA++;
  if (fmac !== undefined) countFmac(fmac, counts);
}

function countFmac({ left, right, result }: Fmac, counts: CoreCounts): void {
  counts.fmacs++;
  countOperand(left, counts);
  countOperand(right, counts);
  if (result.to === 'memoryA') counts.writesA++;
  else if (result.to === 'memoryB') counts.writesB++;
  else if (result.to === 'link') counts.linkWords++;
}

function countOperand(operand: Operand, counts: CoreCounts): void {
  switch (operand.from) {
    case 'memoryA':
      counts.readsA++;
      return;
    case 'memoryB':
      counts.readsB++;
      return;
    case 'bus':
      counts.laneWords++;
      return;
    case 'link':
    case 'constant':
      return;
    default:
      throw new ModelBug(`no operand comes from ${JSON.stringify(operand satisfies never)}`);
  }
}
