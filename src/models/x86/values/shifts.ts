import type { Instruction } from '../instruction.ts';
import { bitsOf, flagResult, isKnown, readTwo, set, signExtend, truncate, type Effect } from './effect.ts';
import { type CoreState, forgetFlags, readOperand, value, writeOperand } from './state.ts';
import { out, shl64, shr64 } from './words.ts';

const a = value();
const b = value();

function shift(on: CoreState, one: Instruction): void {
  const { mnemonic } = one;
  const keepsFlags = mnemonic.endsWith('x');
  const bits = bitsOf(one, 0);
  readTwo(on, one, one.operands.length === 3 ? 1 : 0, bits, a, b);
  const known = isKnown(a, bits) && b.known[0] === 1;
  const count = b.words[0]! & (bits === 64 ? 63 : 31);
  const name = mnemonic.slice(0, 3);
  if (name === 'shl') shl64(a.words[0]!, a.words[1]!, count);
  else if (name === 'shr') shr64(a.words[0]!, a.words[1]!, count, false);
  else if (name === 'sar') {
    signExtend(a, bits);
    shr64(a.words[0]!, a.words[1]!, count, true);
  } else rotate(name === 'rol' ? count % bits : (bits - (count % bits)) % bits, bits);
  set(a, out.low, out.high, known);
  truncate(a, bits);
  writeOperand(on, one, 0, a);
  if (keepsFlags) return;
  flagResult(on, a, bits);
  on.flags.carry = on.flags.overflow = null;
}

function rotate(by: number, bits: number): void {
  const [low, high] = [a.words[0]!, a.words[1]!];
  shl64(low, high, by);
  if (by === 0) return;
  const [shiftedLow, shiftedHigh] = [out.low, out.high];
  shr64(low, high, bits - by, false);
  out.low |= shiftedLow;
  out.high |= shiftedHigh;
}

const ones = (word: number): number => {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count += 1;
  return count;
};

/** popcnt, and the first or last bit that is set. */
function countBits(on: CoreState, one: Instruction): void {
  const { mnemonic } = one;
  readOperand(on, one, 1, a);
  const bits = bitsOf(one, 0);
  truncate(a, bits);
  const [low, high] = [a.words[0]!, a.words[1]!];
  const isZero = low === 0 && high === 0;
  if (isZero && mnemonic.startsWith('bs')) return forgetFlags(on);
  const leading = isZero ? bits : (high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low)) - (64 - bits);
  const trailing = isZero ? bits : low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
  const results: Readonly<Record<string, number>> = {
    popcnt: ones(low) + ones(high),
    lzcnt: leading,
    bsr: bits - 1 - leading,
  };
  set(a, results[mnemonic] ?? trailing, 0, isKnown(a, bits));
  writeOperand(on, one, 0, a);
  forgetFlags(on);
}

const each = (names: string, effect: Effect): [string, Effect][] => names.split(' ').map((name) => [name, effect]);

/** Shifts, rotations and counts of bits. */
export const SHIFTS: readonly (readonly [string, Effect])[] = [
  ...each('shl shr sar rol ror shlx shrx sarx rorx', shift),
  ...each('tzcnt bsf lzcnt bsr popcnt', countBits),
];
