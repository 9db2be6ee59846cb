/**
 * What a systolic machine executes: instructions in program order, with loops kept as loops. Each instruction runs in one
 * lane; lanes run side by side and wait for each other by counting back from the instruction issued last.
 */

import type { Access } from '../../events/events.ts';

export const LANES = ['pass', 'vector', 'tile', 'load', 'store', 'hostIn', 'hostOut'] as const;
export const PASS = 0;
export const VECTOR = 1;
export const TILE = 2;
export const LOAD = 3;
export const STORE = 4;
export const HOST_IN = 5;
export const HOST_OUT = 6;

/** Kinds of wait, as indices into `Instruction.waits`. */
export const WAIT_PASS = 0;
/** Results of another layer, plus the explicit synchronisation. */
export const WAIT_RESULT = 1;
/** Accumulators emptied, or vector work of the same layer: no synchronisation. */
export const WAIT_VECTOR = 2;
export const WAIT_LOAD = 3;
export const WAIT_HOST = 4;
/** Results that went off the chip. */
export const WAIT_STORE = 5;
/** Lane that each kind of wait looks at. */
export const WAIT_LANES = [PASS, VECTOR, VECTOR, LOAD, HOST_IN, STORE] as const;

/** For each kind of wait: 0 = the one issued last, 1 = the one before, ...; absent = nothing to wait for. */
export type Waits = readonly (number | undefined)[];

export interface Instruction {
  /** Identity for the folding of loops; unique within a program. */
  readonly id: number;
  readonly lane: number;
  /** Index of the op in the trace. */
  readonly op: number;
  /** Cycles its lane is occupied: rows streamed, vector cycles, or transfer cycles. */
  readonly cycles: number;
  /** pass: shifts in a new stationary tile first; tile and load: comes over the off-chip channel. */
  readonly fetches: boolean;
  readonly waits: Waits;
  readonly accesses: readonly Access[];
}

export interface Loop {
  readonly body: readonly Node[];
  readonly times: number;
  /** Instructions of one iteration, inner loops multiplied out. */
  readonly instructions: number;
}

export type Node = Instruction | Loop;

export interface Program {
  readonly nodes: readonly Node[];
  /** Every component and action (indices) that an instruction accesses. */
  readonly uses: readonly Pick<Access, 'component' | 'action'>[];
  /** Peak use of each on-chip buffer in bytes. */
  readonly peakUseBytes: Readonly<Record<string, number>>;
  /** Ops that run inside another one: op -> the op it is fused into. */
  readonly fusedInto: ReadonlyMap<number, number>;
  readonly notes: readonly string[];
}

export function isLoop(node: Node): node is Loop {
  return 'body' in node;
}

/** Copies waits with one of them set. */
export function withWait(waits: Waits, kind: number, back: number | undefined): Waits {
  const copy = [...waits];
  copy[kind] = back;
  return copy;
}

/** Repeats a body; nothing for zero times, the bare body for one. */
export function repeat(body: readonly Node[], times: number): readonly Node[] {
  if (times <= 0 || body.length === 0) return [];
  return times === 1 ? body : [{ body, times, instructions: countInstructions(body) }];
}

function countInstructions(nodes: readonly Node[]): number {
  let sum = 0;
  for (const node of nodes) sum += isLoop(node) ? node.times * node.instructions : 1;
  return sum;
}

/** Number of instructions of one lane, loops multiplied out. */
export function countLane(nodes: readonly Node[], lane: number): number {
  let sum = 0;
  for (const node of nodes) {
    if (isLoop(node)) sum += node.times * countLane(node.body, lane);
    else if (node.lane === lane) sum++;
  }
  return sum;
}
