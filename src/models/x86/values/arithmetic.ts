import type { Instruction } from '../instruction.ts';
import {
  forget,
  forgetFlags,
  type CoreState,
  operandBytes,
  readOperand,
  type Value,
  value,
  WORDS,
  writeOperand,
} from './state.ts';
import { add64, mul64, out, shl64, shr64, sub64 } from './words.ts';

/** What an instruction does to registers, memory and flags. */
export type Effect = (on: CoreState, one: Instruction) => void;

const a = value();
const b = value();

const isKnown = ({ known }: Value, bits: number): boolean => known[0] === 1 && (bits < 64 || known[1] === 1);
const signOf = ({ words }: Value, bits: number): boolean =>
  bits === 64 ? words[1]! < 0 : ((words[0]! >>> (bits - 1)) & 1) === 1;

function set(to: Value, low: number, high: number, known: boolean): void {
  to.words[0] = low;
  to.words[1] = high;
  to.known[0] = to.known[1] = known ? 1 : 0;
}

function truncate({ words }: Value, bits: number): void {
  if (bits >= 64) return;
  words[1] = 0;
  if (bits < 32) words[0]! &= (1 << bits) - 1;
}

function signExtend({ words }: Value, bits: number): void {
  if (bits < 32) words[0] = (words[0]! << (32 - bits)) >> (32 - bits);
  if (bits < 64) words[1] = words[0]! >> 31;
}

const bitsOf = (one: Instruction, index: number): number => 8 * operandBytes(one, index);

/** Sets the flags that depend on the result alone, which is truncated. */
function flagResult({ flags }: CoreState, result: Value, bits: number): void {
  const known = isKnown(result, bits);
  flags.zero = known ? result.words[0] === 0 && (bits < 64 || result.words[1] === 0) : null;
  flags.sign = known ? signOf(result, bits) : null;
}

/** Whether a condition holds: null if that is not known. */
function condition({ zero, carry, sign, overflow }: CoreState['flags'], name: string): boolean | null {
  const not = (known: boolean | null): boolean | null => (known === null ? null : !known);
  const or = (x: boolean | null, y: boolean | null): boolean | null =>
    x === true || y === true ? true : x === null || y === null ? null : false;
  const less = sign === null || overflow === null ? null : sign !== overflow;
  switch (name) {
    case 'e':
      return zero;
    case 'ne':
      return not(zero);
    case 'b':
      return carry;
    case 'ae':
      return not(carry);
    case 's':
      return sign;
    case 'ns':
      return not(sign);
    case 'l':
      return less;
    case 'ge':
      return not(less);
    case 'le':
      return or(zero, less);
    case 'g':
      return not(or(zero, less));
    case 'be':
      return or(carry, zero);
    case 'a':
      return not(or(carry, zero));
    case 'o':
      return overflow;
    case 'no':
      return not(overflow);
    default:
      return null;
  }
}

function readTwo(on: CoreState, one: Instruction, first: number, bits: number): boolean {
  readOperand(on, one, first, a);
  if (one.operands.length > first + 1) readOperand(on, one, first + 1, b);
  else set(b, 1, 0, true);
  truncate(a, bits);
  truncate(b, bits);
  return isKnown(a, bits) && isKnown(b, bits);
}

const SUMS: ReadonlySet<string> = new Set(['add', 'adc', 'inc']);
const WITH_CARRY: ReadonlySet<string> = new Set(['adc', 'sbb']);
const KEEPS_CARRY: ReadonlySet<string> = new Set(['inc', 'dec']);

/** add sub adc sbb inc dec cmp */
function sum(on: CoreState, one: Instruction): void {
  const { mnemonic } = one;
  const { flags } = on;
  const bits = bitsOf(one, 0);
  const bothKnown = readTwo(on, one, 0, bits);
  const carry = WITH_CARRY.has(mnemonic) ? flags.carry : false;
  const known = bothKnown && carry !== null;
  const isSum = SUMS.has(mnemonic);
  const [signA, signB] = [signOf(a, bits), signOf(b, bits)];
  const [al, ah, bl, bh] = [a.words[0]!, a.words[1]!, b.words[0]!, b.words[1]!];
  const one64 = carry === true ? 1 : 0;
  if (isSum) {
    add64(al, ah, bl, bh);
    if (one64 === 1) add64(out.low, out.high, 1, 0);
  } else {
    sub64(al, ah, bl, bh);
    if (one64 === 1) sub64(out.low, out.high, 1, 0);
  }
  if (!KEEPS_CARRY.has(mnemonic)) {
    const isLess = ah >>> 0 < bh >>> 0 || (ah === bh && al >>> 0 < bl >>> 0);
    const isEqual = ah === bh && al === bl;
    const isWider = bits < 64 && (al >>> 0) + (bl >>> 0) + one64 >= 2 ** bits;
    const isAround =
      bits === 64 &&
      (out.high >>> 0 < ah >>> 0 || (out.high === ah && (out.low >>> 0 < al >>> 0 || (one64 === 1 && out.low === al))));
    flags.carry = !known ? null : isSum ? isWider || isAround : isLess || (one64 === 1 && isEqual);
  }
  set(a, out.low, out.high, known);
  truncate(a, bits);
  const sign = signOf(a, bits);
  flags.overflow = known ? (isSum ? signA === signB : signA !== signB) && sign !== signA : null;
  if (mnemonic !== 'cmp') writeOperand(on, one, 0, a);
  flagResult(on, a, bits);
}

function negate(on: CoreState, one: Instruction): void {
  const bits = bitsOf(one, 0);
  readOperand(on, one, 0, a);
  truncate(a, bits);
  const known = isKnown(a, bits);
  on.flags.carry = known ? a.words[0] !== 0 || a.words[1] !== 0 : null;
  sub64(0, 0, a.words[0]!, a.words[1]!);
  on.flags.overflow = null;
  set(a, out.low, out.high, known);
  truncate(a, bits);
  writeOperand(on, one, 0, a);
  flagResult(on, a, bits);
}

/** and or xor andn test */
function logic(on: CoreState, one: Instruction): void {
  const { mnemonic } = one;
  const bits = bitsOf(one, 0);
  const known = readTwo(on, one, one.operands.length === 3 ? 1 : 0, bits);
  for (let word = 0; word < 2; word += 1) {
    const [x, y] = [a.words[word]!, b.words[word]!];
    if (mnemonic === 'or') a.words[word] = x | y;
    else if (mnemonic === 'xor') a.words[word] = x ^ y;
    else a.words[word] = (mnemonic === 'andn' ? ~x : x) & y;
  }
  set(a, a.words[0]!, a.words[1]!, known);
  truncate(a, bits);
  if (mnemonic !== 'test') writeOperand(on, one, 0, a);
  flagResult(on, a, bits);
  on.flags.carry = on.flags.overflow = false;
}

function shift(on: CoreState, one: Instruction): void {
  const { mnemonic } = one;
  const keepsFlags = mnemonic.endsWith('x');
  const bits = bitsOf(one, 0);
  readTwo(on, one, one.operands.length === 3 ? 1 : 0, bits);
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

function invert(on: CoreState, one: Instruction): void {
  readOperand(on, one, 0, a);
  a.words[0] = ~a.words[0]!;
  a.words[1] = ~a.words[1]!;
  writeOperand(on, one, 0, a);
}

/** mov and movzx: reading extends with zeros. */
function move(on: CoreState, one: Instruction): void {
  readOperand(on, one, 1, a);
  writeOperand(on, one, 0, a);
}

function moveSigned(on: CoreState, one: Instruction): void {
  readOperand(on, one, 1, a);
  const bits = bitsOf(one, 1);
  set(a, a.words[0]!, a.words[1]!, isKnown(a, bits));
  signExtend(a, bits);
  writeOperand(on, one, 0, a);
}

/** Sign of the accumulator into its upper half or into rdx. */
function extend(fromBits: number, toUnit: number, isWhole: boolean): Effect {
  return ({ registers: { words, known } }) => {
    const isLong = fromBits === 64;
    const low = isLong ? words[1]! : (words[0]! << (32 - fromBits)) >> (32 - fromBits);
    const fill = low >> 31;
    const sure = known[0]! & (isLong ? known[1]! : 1);
    const at = toUnit * WORDS;
    if (toUnit !== 0) words[at] = fill;
    else words[0] = low;
    words[at + 1] = isWhole ? fill : 0;
    known[at] = sure;
    known[at + 1] = isWhole ? sure : 1;
  };
}

function takeAddress(on: CoreState, one: Instruction): void {
  const { low, high, isKnown: known } = on.address;
  set(a, low, high, known);
  writeOperand(on, one, 0, a);
}

function multiply(on: CoreState, one: Instruction): void {
  const { length } = one.operands;
  if (length === 1) return forget(on, one);
  const bits = bitsOf(one, 0);
  const known = readTwo(on, one, length === 3 ? 1 : 0, bits);
  signExtend(a, bits);
  signExtend(b, bits);
  mul64(a.words[0]!, a.words[1]!, b.words[0]!, b.words[1]!);
  set(a, out.low, out.high, known);
  truncate(a, bits);
  writeOperand(on, one, 0, a);
  forgetFlags(on);
}

const swap = (x: number): number => ((x & 0xff) << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);

function swapBytes(on: CoreState, one: Instruction): void {
  readOperand(on, one, 0, a);
  const [low, high] = [swap(a.words[0]!), swap(a.words[1]!)];
  const isLong = one.operands[0]!.bits === 64;
  set(a, isLong ? high : low, low, isKnown(a, isLong ? 64 : 32));
  writeOperand(on, one, 0, a);
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

function moveIf(on: CoreState, one: Instruction): void {
  const holds = condition(on.flags, one.mnemonic.slice(4));
  readOperand(on, one, holds === true ? 1 : 0, a);
  if (holds === null) set(a, 0, 0, false);
  writeOperand(on, one, 0, a);
}

function setIf(on: CoreState, one: Instruction): void {
  const holds = condition(on.flags, one.mnemonic.slice(3));
  set(a, holds === true ? 1 : 0, 0, holds !== null);
  writeOperand(on, one, 0, a);
}

function exchange(on: CoreState, one: Instruction): void {
  readOperand(on, one, 0, a);
  readOperand(on, one, 1, b);
  writeOperand(on, one, 0, b);
  writeOperand(on, one, 1, a);
}

const CONDITIONS = 'o no b ae e ne be a s ns p np l ge le g'.split(' ');
const each = (names: string, effect: Effect): [string, Effect][] => names.split(' ').map((name) => [name, effect]);

/** Effects of instructions on general registers; others are forgotten. */
export const ARITHMETIC: readonly (readonly [string, Effect])[] = [
  ...each('add sub inc dec adc sbb cmp', sum),
  ...each('and or xor andn test', logic),
  ...each('shl shr sar rol ror shlx shrx sarx rorx', shift),
  ...each('mov movzx', move),
  ...each('movsx movsxd', moveSigned),
  ...each('tzcnt bsf lzcnt bsr popcnt', countBits),
  ...each('nop endbr64 vzeroupper', () => undefined),
  ...CONDITIONS.flatMap((name): [string, Effect][] => [
    [`cmov${name}`, moveIf],
    [`set${name}`, setIf],
  ]),
  ['neg', negate],
  ['not', invert],
  ['lea', takeAddress],
  ['imul', multiply],
  ['div', divide],
  ['bswap', swapBytes],
  ['xchg', exchange],
  ['cdqe', extend(32, 0, true)],
  ['cwde', extend(16, 0, false)],
  ['cdq', extend(32, 2, false)],
  ['cqo', extend(64, 2, true)],
];
