/**
 * What a GPU executes: kernels of equal thread blocks. Every warp of a block runs the same program: a prologue, a main loop, an
 * epilogue. Instructions name scoreboard slots instead of registers: one slot stands for registers that are written together.
 */

/** Where an instruction executes. Those before SHARED exist in every sub-core, the others once per SM. */
export const PIPES = ['issue', 'math', 'alu', 'sfu', 'shared', 'global'] as const;
export const ISSUE = 0;
export const MATH = 1;
export const ALU = 2;
export const SFU = 3;
export const SHARED = 4;
export const GLOBAL = 5;

/** What an instruction does beside occupying its pipe. */
export const PLAIN = 0;
/** Waits for all warps of the block. */
export const BARRIER = 1;
/** A copy from global to shared memory that the warp does not wait for. */
export const COPY = 2;
/** Closes the group of copies issued since the last one. */
export const COMMIT = 3;
/** Waits until at most `waitGroups` groups of copies are still under way. */
export const WAIT_GROUPS = 4;

/** Slot that is always ready. */
export const NO_SLOT = 0;

export interface Instruction {
  readonly pipe: number;
  /** Cycles the pipe is occupied; the next instruction of the warp may issue in the next cycle all the same. */
  readonly occupiesCycles: number;
  /** From issue until what depends on it may issue. */
  readonly latencyCycles: number;
  readonly writes: number;
  readonly reads: readonly number[];
  readonly effect: number;
  readonly waitGroups: number;
  /** Equal instructions one after the other that this one stands for. */
  readonly count: number;
}

export interface WarpProgram {
  readonly prologue: readonly Instruction[];
  readonly body: readonly Instruction[];
  readonly epilogue: readonly Instruction[];
  /** Scoreboard slots, NO_SLOT included. */
  readonly slots: number;
}

/** The same text for programs whose instructions are the same, and for no others. */
export function programText({ prologue, body, epilogue }: WarpProgram): string {
  const text = (instructions: readonly Instruction[]): string =>
    instructions
      .map(
        ({ pipe, occupiesCycles, latencyCycles, writes, reads, effect, waitGroups }) =>
          `${pipe},${occupiesCycles},${latencyCycles},${writes},${reads.join(' ')},${effect},${waitGroups}`,
      )
      .join(';');
  return [prologue, body, epilogue].map(text).join('|');
}

/** Builds instructions; slots are handed out by number. */
export class ProgramBuilder {
  readonly instructions: Instruction[] = [];

  add(
    pipe: number,
    occupiesCycles: number,
    latencyCycles: number,
    writes = NO_SLOT,
    reads: readonly number[] = [],
  ): void {
    this.push({ ...NOTHING, pipe, occupiesCycles, latencyCycles, writes, reads });
  }

  /** So many equal instructions, played as one: they keep the pipe for as long, but let no other warp in between. */
  repeat(
    count: number,
    pipe: number,
    occupiesCycles: number,
    latencyCycles: number,
    writes = NO_SLOT,
    reads: readonly number[] = [],
  ): void {
    this.push({
      ...NOTHING,
      pipe,
      occupiesCycles: count * occupiesCycles,
      latencyCycles: (count - 1) * occupiesCycles + latencyCycles,
      writes,
      reads,
      count,
    });
  }

  /** Waits for the block's other warps, and for what this warp's slot stands for. */
  barrier(latencyCycles: number, after = NO_SLOT): void {
    this.push({ ...NOTHING, latencyCycles, reads: [after], effect: BARRIER });
  }

  copy(occupiesCycles: number, latencyCycles: number): void {
    this.push({ ...NOTHING, pipe: GLOBAL, occupiesCycles, latencyCycles, effect: COPY });
  }

  commit(): void {
    this.push({ ...NOTHING, effect: COMMIT });
  }

  waitGroups(waitGroups: number): void {
    this.push({ ...NOTHING, effect: WAIT_GROUPS, waitGroups });
  }

  push(instruction: Instruction): void {
    this.instructions.push(instruction);
  }
}

const NOTHING: Instruction = {
  pipe: ISSUE,
  occupiesCycles: 1,
  latencyCycles: 1,
  writes: NO_SLOT,
  reads: [],
  effect: PLAIN,
  waitGroups: 0,
  count: 1,
};
