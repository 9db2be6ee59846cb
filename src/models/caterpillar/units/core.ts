import { ModelBug } from '../../../errors.ts';
import type { Fmac, Loop, Operand, Program, Step, Word } from '../micro/program.ts';

/** What the PEs of a core do, per PE: all do the same, but for who sends on a bus. */
export interface CoreCounts {
  /** Until the last result is stored or on its way out. */
  cycles: number;
  /** Until the next program may follow. */
  issueCycles: number;
  fmacs: number;
  readsA: number;
  writesA: number;
  readsB: number;
  writesB: number;
  /** Words sent to all PEs of a lane. */
  busWords: number;
  /** Words sent to a neighbour or, from the last position, to the port. */
  linkWords: number;
}

export function noCounts(): CoreCounts {
  return {
    cycles: 0,
    issueCycles: 0,
    fmacs: 0,
    readsA: 0,
    writesA: 0,
    readsB: 0,
    writesB: 0,
    busWords: 0,
    linkWords: 0,
  };
}

export function addCounts(into: CoreCounts, from: CoreCounts, times: number): void {
  into.cycles += from.cycles * times;
  into.issueCycles += from.issueCycles * times;
  into.fmacs += from.fmacs * times;
  into.readsA += from.readsA * times;
  into.writesA += from.writesA * times;
  into.readsB += from.readsB * times;
  into.writesB += from.writesB * times;
  into.busWords += from.busWords * times;
  into.linkWords += from.linkWords * times;
}

/** Words that a PE reads from its memories and writes to them. */
export function memoryWords({ readsA, writesA, readsB, writesB }: Readonly<CoreCounts>): number {
  return readsA + writesA + readsB + writesB;
}

/** Cycles and actions of a program. Loops are counted once and multiplied, or run iteration by iteration if `unfolded`: the same result. */
export function runOnCore(program: Program, size: number, unfolded = false): CoreCounts {
  const counts = noCounts();
  countSteps(program.steps, counts, unfolded);
  counts.issueCycles = counts.cycles;
  counts.cycles += program.drainCycles;
  // The PEs of a lane take turns in sending, and read memory A for that.
  counts.busWords /= size;
  counts.readsA += counts.busWords;
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
  addCounts(counts, once, times);
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
  if (result.to === 'memoryA' || result.to === 'line') counts.writesA++;
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
      counts.busWords++;
      return;
    case 'link':
    case 'constant':
      return;
    default:
      throw new ModelBug(`no operand comes from ${JSON.stringify(operand satisfies never)}`);
  }
}
