import type { Asm } from '../assembler.ts';

/** A loop of machine code, closed by a counter and a jump that are not part of it. */
export interface LoopCode {
  /** Names the code: equal keys, equal code. */
  readonly key: string;
  readonly body: () => readonly Asm[];
  /** Steps of the loop nest's counter that one pass through the body makes. */
  readonly steps: number;
  /** How often the body is written down before the loop's jump; once where this is missing. */
  readonly writtenOut?: number;
}

/** General registers of kernels, by what they point at; a few more operands have the ones after. */
export const POINTER = {
  left: 7,
  right: 6,
  result: 2,
  rightFar: 8,
  stride: 12,
  others: [9, 10, 11, 13, 14, 3, 0, 1],
} as const;
