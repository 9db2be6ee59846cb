/**
 * Micro-programs of a core. All PEs run the same words, one a cycle; what differs is where a PE stands. `position` counts along the
 * row of a PE, `lane` says which row; a transposed program has them exchanged, so that the same words work on columns.
 */

/** offset + sum of stride x index over the enclosing loops, the outermost first, in words; `modulus` wraps it (double buffers). */
export interface Address {
  readonly offset: number;
  readonly strides: readonly number[];
  readonly modulus?: number;
}

/** Where an operand of a multiply-add comes from. */
export type Operand =
  | { readonly from: 'memoryA' | 'memoryB'; readonly address: Address }
  /**
   * Element `step` of a reduction: the PE at position step mod size sends a word of its memory A, at `address` + floor(step / size) x
   * `stride`, to all PEs of its lane. Its turn comes once in `size` cycles, so it reads in any of them in which memory A is free.
   */
  | { readonly from: 'bus'; readonly step: Address; readonly address: Address; readonly stride: number }
  /** What the PE at the position before has sent; at position 0 the next word of stream `initial`, zero if there is none. */
  | { readonly from: 'link' }
  | { readonly from: 'constant'; readonly name: 'one' | 'rate' };

/** Where a result goes. `output`: to the register that the ports drain; `link`: to the next position, from the last to the port. */
export type Result =
  | { readonly to: 'accumulator' | 'output' | 'link' }
  | { readonly to: 'memoryA' | 'memoryB'; readonly address: Address; readonly delayCycles: number }
  /** Collected with others of its line of memory A, which one access writes. */
  | { readonly to: 'line'; readonly address: Address; readonly delayCycles: number };

/** left x right + addend. `initial` is what port or memory put into the register of that name, `latch` what a PE last read from memory A. */
export interface Fmac {
  readonly left: Operand;
  readonly right: Operand;
  readonly addend: 'zero' | 'accumulator' | 'initial' | 'latch';
  readonly result: Result;
}

/** Streams between ports and PEs: operands a and b, initial values, results. A word per bus crossing the lanes and cycle. */
const STREAMS = ['a', 'b', 'initial', 'result'] as const;
export type Stream = (typeof STREAMS)[number];

/**
 * One word of a stream on every bus. With a quota, so many words belong to one iteration of the loop at `depth` and further ones are
 * left out; so are words beyond the end of the stream, and results that do not exist yet.
 */
export interface PortTransfer {
  readonly stream: Stream;
  readonly quota?: { readonly depth: number; readonly words: number };
}

/** What a core does in one cycle. */
export interface Word {
  readonly kind: 'word';
  readonly fmac?: Fmac;
  /**
   * Word of memory A that goes to the latch, and the one that goes to the initial register, both in time for this word. What the latch
   * takes comes from the line read last, if it is in there, without an access.
   */
  readonly latch?: Address;
  readonly initial?: Address;
  readonly port?: PortTransfer;
}

export interface Loop {
  readonly kind: 'loop';
  readonly times: number;
  readonly body: readonly Step[];
}

export interface Wait {
  readonly kind: 'wait';
  readonly cycles: number;
}

export type Step = Word | Loop | Wait;

export interface Program {
  readonly transposed: boolean;
  readonly steps: readonly Step[];
  /** A PE runs every word so many cycles after the PE at the position before. */
  readonly skewCycles: number;
  /** From the last word of position 0 until the last result is stored or on its way out. */
  readonly drainCycles: number;
  /** Words on every bus. */
  readonly streamWords: Readonly<Record<Stream, number>>;
  /** Words of vectors that every PE has been given in memory B before. */
  readonly vectorWords: number;
}

/** What programs need to know of a core. */
export interface CoreTiming {
  /** PEs on each side. */
  readonly size: number;
  readonly fmacLatencyCycles: number;
  /** From the end of a multiply-add until its result can be on a bus. */
  readonly readoutCycles: number;
}

/** From the cycle of a word's memory reads until its multiply-add starts: reading, then the bus. */
export const OPERAND_CYCLES = 2;

/** Cycles after a word in which its result can be stored, or taken from the output register by a port. */
export function storableAfter({ fmacLatencyCycles }: CoreTiming): number {
  return OPERAND_CYCLES + fmacLatencyCycles;
}
export function drainableAfter(timing: CoreTiming): number {
  return storableAfter(timing) + timing.readoutCycles;
}

/** A word sent to the next position is an operand of the same word there after the multiply-add and one cycle on the link. */
export function linkSkew({ fmacLatencyCycles }: CoreTiming): number {
  return fmacLatencyCycles + 1;
}

export const NO_STREAMS: Readonly<Record<Stream, number>> = { a: 0, b: 0, initial: 0, result: 0 };

export function at(offset: number, ...strides: readonly number[]): Address {
  return { offset, strides };
}

/** The steps so many times; none for 0, and no loop around a single iteration of nothing. */
export function repeat(times: number, body: readonly Step[]): Step[] {
  return times > 0 ? [{ kind: 'loop', times, body }] : [];
}

export function wait(cycles: number): Step[] {
  return cycles > 0 ? [{ kind: 'wait', cycles }] : [];
}
