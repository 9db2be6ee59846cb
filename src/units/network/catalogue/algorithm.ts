import { ceilLog2, type Message, type Schedule } from '../schedule.ts';

/**
 * What closed cost formulas are made of: seconds per message, per byte and per reduced byte; the size of the whole vector (of
 * all parts for scatter, gather and all-gather; of what one rank sends to all for all-to-all); and into how many segments it is cut.
 */
export interface CostTerms {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  readonly ranks: number;
  readonly bytes: number;
  readonly segments: number;
}

export interface Algorithm {
  /** `segments` is one of `segmentCounts`. */
  readonly schedule: (ranks: number, segments: number) => Schedule;
  /** Seconds on a network where any two ranks have a link of their own and a rank sends and receives one message at a time. */
  readonly cost: (terms: CostTerms) => number;
  /** Numbers of ranks for which `cost` is what messages take and not a bound above it. */
  readonly exact: (ranks: number) => boolean;
  /** Numbers of ranks that it can serve. */
  readonly serves: (ranks: number) => boolean;
  /** Numbers of segments to choose from: they follow each other through the network. Bounded, since each is simulated. */
  readonly segmentCounts: readonly number[];
  /** A rank sends to all others at once; `cost` is then for a rank that has a port for each. */
  readonly usesAllLinks: boolean;
}

export const always = (): boolean => true;
export const never = (): boolean => false;
export const EVEN_SEGMENTS = [2, 4, 8, 16, 32, 64];
export const ANY_SEGMENTS = [1, ...EVEN_SEGMENTS];

export const powerOfTwo = (n: number): boolean => (n & (n - 1)) === 0;

/** An algorithm for any number of ranks whose formula is exact, unless said otherwise. */
export function algorithm(
  schedule: Algorithm['schedule'],
  cost: Algorithm['cost'],
  properties: Partial<Omit<Algorithm, 'schedule' | 'cost'>> = {},
): Algorithm {
  return { schedule, cost, exact: always, serves: always, segmentCounts: [1], usesAllLinks: false, ...properties };
}

/** A schedule of messages about a vector in so many blocks; `undefined`: as many as ranks. */
export function of(
  messages: (ranks: number, segments: number) => Message[],
  vectorBlocks?: number,
): Algorithm['schedule'] {
  return (ranks, segments) => ({ ranks, vectorBlocks: vectorBlocks ?? ranks, messages: messages(ranks, segments) });
}

export function segmented(messages: (ranks: number, segments: number) => Message[]): Algorithm['schedule'] {
  return (ranks, segments) => ({ ranks, vectorBlocks: segments, messages: messages(ranks, segments) });
}

/** Formulas of broadcasts hold for reductions with beta + gamma instead of beta. */
export function adding(cost: Algorithm['cost']): Algorithm['cost'] {
  return (terms) => cost({ ...terms, beta: terms.beta + terms.gamma });
}

/** Steps of a tree that doubles: ceil(log2 of the ranks). */
export const L = ceilLog2;
/** Messages of 1 / n of the vector. */
export const part = (alpha: number, beta: number, bytes: number, n: number): number => alpha + (beta * bytes) / n;

/** Cost of the exchanges with ranks beyond a power of two: adding before, and if there are two, telling after. */
export function foldCost({ alpha, beta, gamma, ranks, bytes }: CostTerms, exchanges: 1 | 2): number {
  return powerOfTwo(ranks) ? 0 : exchanges * (alpha + beta * bytes) + gamma * bytes;
}

/** In every step twice as many parts as in the one before. */
export const doublingCost: Algorithm['cost'] = ({ alpha, beta, ranks, bytes }) =>
  L(ranks) * alpha + ((ranks - 1) / ranks) * beta * bytes;

/** One part in every step. */
export const ringCost: Algorithm['cost'] = ({ alpha, beta, ranks, bytes }) =>
  (ranks - 1) * part(alpha, beta, bytes, ranks);
