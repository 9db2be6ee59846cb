import type { Instruction } from '../instruction.ts';
import { type CoreState, operandBytes, readOperand, type Value } from './state.ts';

/** What an instruction does to registers, memory and flags. */
export type Effect = (on: CoreState, one: Instruction) => void;

export const isKnown = ({ known }: Value, bits: number): boolean => known[0] === 1 && (bits < 64 || known[1] === 1);
export const signOf = ({ words }: Value, bits: number): boolean =>
  bits === 64 ? words[1]! < 0 : ((words[0]! >>> (bits - 1)) & 1) === 1;

export function set(to: Value, low: number, high: number, known: boolean): void {
  to.words[0] = low;
  to.words[1] = high;
  to.known[0] = to.known[1] = known ? 1 : 0;
}

export function truncate({ words }: Value, bits: number): void {
  if (bits >= 64) return;
  words[1] = 0;
  if (bits < 32) words[0]! &= (1 << bits) - 1;
}

export function signExtend({ words }: Value, bits: number): void {
  if (bits < 32) words[0] = (words[0]! << (32 - bits)) >> (32 - bits);
  if (bits < 64) words[1] = words[0]! >> 31;
}

export const bitsOf = (one: Instruction, index: number): number => 8 * operandBytes(one, index);

/** Sets the flags that depend on the result alone, which is truncated. */
export function flagResult({ flags }: CoreState, result: Value, bits: number): void {
  const known = isKnown(result, bits);
  flags.zero = known ? result.words[0] === 0 && (bits < 64 || result.words[1] === 0) : null;
  flags.sign = known ? signOf(result, bits) : null;
}

export function readTwo(on: CoreState, one: Instruction, first: number, bits: number, a: Value, b: Value): boolean {
  readOperand(on, one, first, a);
  if (one.operands.length > first + 1) readOperand(on, one, first + 1, b);
  else set(b, 1, 0, true);
  truncate(a, bits);
  truncate(b, bits);
  return isKnown(a, bits) && isKnown(b, bits);
}
