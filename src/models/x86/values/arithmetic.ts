import type { Instruction } from '../instruction.ts';
import { bitsOf, flagResult, isKnown, readTwo, set, signExtend, signOf, truncate, type Effect } from './effect.ts';
import { type CoreState, readOperand, value, WORDS, writeOperand } from './state.ts';
import { add64, out, sub64 } from './words.ts';

const a = value();
const b = value();

const SUMS: ReadonlySet<string> = new Set(['add', 'adc', 'inc']);
const WITH_CARRY: ReadonlySet<string> = new Set(['adc', 'sbb']);
const KEEPS_CARRY: ReadonlySet<string> = new Set(['inc', 'dec']);

/** add sub adc sbb inc dec cmp */
function sum(on: CoreState, one: Instruction): void {
  const { mnemonic } = one;
  const { flags } = on;
  const bits = bitsOf(one, 0);
  const bothKnown = readTwo(on, one, 0, bits, a, b);
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
  const known = readTwo(on, one, one.operands.length === 3 ? 1 : 0, bits, a, b);
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

const swap = (x: number): number => ((x & 0xff) << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);

function swapBytes(on: CoreState, one: Instruction): void {
  readOperand(on, one, 0, a);
  const [low, high] = [swap(a.words[0]!), swap(a.words[1]!)];
  const isLong = one.operands[0]!.bits === 64;
  set(a, isLong ? high : low, low, isKnown(a, isLong ? 64 : 32));
  writeOperand(on, one, 0, a);
}

function exchange(on: CoreState, one: Instruction): void {
  readOperand(on, one, 0, a);
  readOperand(on, one, 1, b);
  writeOperand(on, one, 0, b);
  writeOperand(on, one, 1, a);
}

const each = (names: string, effect: Effect): [string, Effect][] => names.split(' ').map((name) => [name, effect]);

/** Effects of instructions on general registers; others are forgotten. */
export const ARITHMETIC: readonly (readonly [string, Effect])[] = [
  ...each('add sub inc dec adc sbb cmp', sum),
  ...each('and or xor andn test', logic),
  ...each('mov movzx', move),
  ...each('movsx movsxd', moveSigned),
  ...each('nop endbr64 vzeroupper', () => undefined),
  ['neg', negate],
  ['not', invert],
  ['lea', takeAddress],
  ['bswap', swapBytes],
  ['xchg', exchange],
  ['cdqe', extend(32, 0, true)],
  ['cwde', extend(16, 0, false)],
  ['cdq', extend(32, 2, false)],
  ['cqo', extend(64, 2, true)],
];
