/** What a collective does; the names are those of a trace's collective ops. */
export const COLLECTIVES = [
  'broadcast',
  'reduce',
  'scatter',
  'gather',
  'all-gather',
  'reduce-scatter',
  'all-reduce',
  'all-to-all',
  'barrier',
] as const;
export type Collective = (typeof COLLECTIVES)[number];

/**
 * One message. It starts when both ranks have finished everything of their earlier steps, and carries what the sender held
 * when it entered the step. `from` equal to `to` is work on the rank itself: a reduction of blocks that it holds.
 */
export interface Message {
  readonly step: number;
  readonly from: number;
  readonly to: number;
  /** Blocks that are sent; none for a signal. */
  readonly blocks: readonly number[];
  /** true: the receiver adds them to what it holds; false: they replace it. */
  readonly reduce: boolean;
  /** The sum of `blocks` is sent as one block, and this is the block at the receiver that it goes to. */
  readonly into?: number;
}

/** The messages of a collective. Rank 0 is the root. */
export interface Schedule {
  readonly ranks: number;
  /** How many blocks make up the vector of `bytes` that the collective's cost is stated in. */
  readonly vectorBlocks: number;
  readonly messages: readonly Message[];
}

/** Blocks first ... first + count - 1. */
export function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

/** Remainder that is never negative. */
export function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

/** ceil(log2 of n), exact. */
export function ceilLog2(n: number): number {
  return n <= 1 ? 0 : 32 - Math.clz32(n - 1);
}

/** floor(log2 of n), exact. */
export function floorLog2(n: number): number {
  return 31 - Math.clz32(n);
}

/** Steps that messages take up. */
function stepCount(messages: readonly Message[]): number {
  return messages.reduce((last, message) => Math.max(last, message.step + 1), 0);
}

/** One part after the other: a rank begins its part of the second when it has done its part of the first. */
export function inSequence(...parts: readonly (readonly Message[])[]): Message[] {
  let offset = 0;
  return parts.flatMap((messages) => {
    const moved = messages.map((message) => ({ ...message, step: message.step + offset }));
    offset += stepCount(messages);
    return moved;
  });
}

/** The same messages backwards: a broadcast becomes a reduction, a scatter a gather. */
export function reversed(messages: readonly Message[], reduce: boolean): Message[] {
  const last = stepCount(messages) - 1;
  return messages
    .map(({ step, from, to, blocks }) => ({ step: last - step, from: to, to: from, blocks, reduce }))
    .reverse();
}
