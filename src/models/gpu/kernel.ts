import type { WarpProgram } from './program.ts';

/** What an SM gets from the memories while a kernel runs; programs are built for it. */
export interface Rates {
  /** For what the main loop loads. */
  readonly loadBytesPerCycle: number;
  readonly loadLatencyCycles: number;
  /** For what the epilogue reads and writes. */
  readonly resultBytesPerCycle: number;
}

/** A grid of equal blocks. */
export interface Kernel {
  readonly name: string;
  /** Its blocks are the last ones of the kernel before it in the list and have no launch of their own. */
  readonly continues?: true;
  /** The same for kernels whose programs are the same under the same rates. */
  readonly programKey: string;
  readonly program: (rates: Rates) => WarpProgram;
  readonly blocks: number;
  readonly warpsPerBlock: number;
  readonly registersPerThread: number;
  readonly sharedBytesPerBlock: number;
  /** Main-loop iterations of a block. */
  readonly iterations: number;
  /** Loads per iteration that nothing of the same block can hide: 1 where a block has one tile under way, else 0. */
  readonly exposedLoads: 0 | 1;
  /** Bytes that all blocks together load in their main loops. */
  readonly loadBytes: number;
  /** Those that come from off-chip memory when so many blocks run at the same time. */
  readonly offChipLoadBytes: (residentBlocks: number) => number;
  /** Share of the off-chip bandwidth that the loads' pattern of addresses reaches, 0 to 1. */
  readonly patternShare: number;
  /** Bytes that all epilogues together read and write, and the share of them that is off the chip. */
  readonly resultReadBytes: number;
  readonly resultWriteBytes: number;
  readonly offChipResultShare: number;
  /** Cycles in which a block keeps the math pipes of its SM busy if nothing holds it back. */
  readonly mathCyclesPerBlock: number;
  /** Multiply-adds, those on the padding of tiles included. */
  readonly macsDone: number;
}
