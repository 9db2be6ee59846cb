import type { LoopCode } from './code.ts';

/** Where data come from: 1 second-level cache, 2 last-level cache, 3 memory. What lies in the first level costs nothing more. */
export type Level = 1 | 2 | 3;

/**
 * How lines are met. `sequence`: one after another, so that prefetchers run ahead. `strided`: a line here and a line there.
 * `ahead`: fetched by instructions of the kernel long before use. `panel`: read over and over by a kernel's inner loop. `write`:
 * written, and written back later. `stream`: written past the caches, if they could not hold it anyway.
 */
export type Pattern = 'sequence' | 'strided' | 'ahead' | 'panel' | 'write' | 'stream';

/** Cache lines that a loop nest meets beyond the first level. */
export interface Stream {
  readonly lines: number;
  readonly level: Level;
  readonly pattern: Pattern;
}

/** A loop of machine code with how often it runs and what it moves. */
export interface Nest {
  /** `multiply` and `finish` are a tile and its end, `pack` brings operands into a kernel's order, `pass` goes over data once. */
  readonly role: 'multiply' | 'finish' | 'pack' | 'pass';
  readonly code: LoopCode;
  /** Steps of the loop's counter, all entries together. */
  readonly steps: number;
  /** Times the loop is entered, each with a mispredicted end. */
  readonly entries: number;
  /** Cycles per entry that pass until what follows can start, beyond what overlaps; absent: none. */
  readonly drainCycles?: number;
  /** Multiply-adds of all lanes, those of padding included. */
  readonly lanesDone: number;
  readonly streams: readonly Stream[];
  /** Accesses to pages beyond the first level of the TLB, and those of them that are in no TLB; absent: none. */
  readonly pageMisses?: number;
  readonly pageWalks?: number;
}
