import type { Instruction } from '../instruction.ts';
import { bitsOf, isKnown, readTwo, set, signExtend, truncate, type Effect } from './effect.ts';
import { type CoreState, forget, forgetFlags, readOperand, value, WORDS, writeOperand } from './state.ts';
import { mul64, out } from './words.ts';

const a = value();
const b = value();

function multiply(on: CoreState, one: Instruction): void {
  const { length } = one.operands;
  if (length === 1) return forget(on, one);
  const bits = bitsOf(one, 0);
  const known = readTwo(on, one, length === 3 ? 1 : 0, bits, a, b);
  signExtend(a, bits);
  signExtend(b, bits);
  mul64(a.words[0]!, a.words[1]!, b.words[0]!, b.words[1]!);
  set(a, out.low, out.high, known);
  truncate(a, bits);
  writeOperand(on, one, 0, a);
  forgetFlags(on);
}

/** Unsigned division of rdx:rax; of the narrow ones nothing is followed. */
function divide(on: CoreState, one: Instruction): void {
  const bits = bitsOf(one, 0);
  readOperand(on, one, 0, a);
  const { words, known } = on.registers;
  const rdx = 2 * WORDS;
  const isLong = bits === 64;
  const wide = (low: number, high: number): bigint => BigInt.asUintN(bits, (BigInt(high) << 32n) | BigInt(low >>> 0));
  const divisor = wide(a.words[0]!, a.words[1]!);
  const sure = isKnown(a, bits) && known[0] === 1 && known[rdx] === 1 && (!isLong || known[1]! + known[rdx + 1]! === 2);
  if (bits < 32 || !sure || divisor === 0n) return forget(on, one);
  const dividend = (wide(words[rdx]!, words[rdx + 1]!) << BigInt(bits)) | wide(words[0]!, words[1]!);
  const put = (at: number, result: bigint): void => {
    words[at] = Number(BigInt.asIntN(32, result));
    words[at + 1] = isLong ? Number(BigInt.asIntN(32, result >> 32n)) : 0;
    known[at + 1] = 1;
  };
  put(0, dividend / divisor);
  put(rdx, dividend % divisor);
  forgetFlags(on);
}

/** Products and quotients. */
export const PRODUCTS: readonly (readonly [string, Effect])[] = [
  ['imul', multiply],
  ['div', divide],
];
