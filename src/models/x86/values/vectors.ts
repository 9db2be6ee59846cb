import type { Instruction } from '../instruction.ts';
import type { Effect } from './effect.ts';
import { type CoreState, operandBytes, readOperand, value, WORDS, writeOperand } from './state.ts';

const a = value();
const b = value();

/** Copies 32-bit words between values. */
function copy(from: typeof a, first: number, to: typeof a, at: number, count: number): void {
  for (let word = 0; word < count; word += 1) {
    to.words[at + word] = from.words[first + word]!;
    to.known[at + word] = from.known[first + word]!;
  }
}

/** Whole registers, and parts that leave zeros above. */
function move(on: CoreState, one: Instruction): void {
  readOperand(on, one, 1, a);
  const bytes = Math.min(operandBytes(one, 0), operandBytes(one, 1));
  a.words.fill(0, Math.max(1, bytes >> 2));
  a.known.fill(1, Math.max(1, bytes >> 2));
  writeOperand(on, one, 0, a);
}

/** movss, movsd: between registers the rest comes from the first source. */
function moveScalar(words: number): Effect {
  return (on, one) => {
    const { operands } = one;
    if (operands.some(({ kind }) => kind === 'm')) {
      readOperand(on, one, 1, a);
      writeOperand(on, one, 0, a);
      return;
    }
    readOperand(on, one, operands.length - 1, a);
    readOperand(on, one, operands.length - 2, b);
    copy(a, 0, b, 0, words);
    writeOperand(on, one, 0, b);
  };
}

/** movlps, movhps and the like: half of the register; `half` 0 is the lower one. */
function moveHalf(half: number): Effect {
  return (on, one) => {
    const { operands } = one;
    if (operands[0]!.kind === 'm') {
      readOperand(on, one, 1, a);
      copy(a, 2 * half, a, 0, 2);
      writeOperand(on, one, 0, a);
      return;
    }
    readOperand(on, one, operands.length - 1, a);
    readOperand(on, one, operands.length - 2, b);
    copy(a, 0, b, 2 * half, 2);
    writeOperand(on, one, 0, b);
  };
}

/** movhlps: the upper half of the source becomes the lower one. */
function moveUpper(on: CoreState, one: Instruction): void {
  readOperand(on, one, one.operands.length - 1, a);
  readOperand(on, one, one.operands.length - 2, b);
  copy(a, 2, b, 0, 2);
  writeOperand(on, one, 0, b);
}

/** punpcklqdq, punpckhqdq: one half of each source, in every 128 bits. */
function interleave(half: number): Effect {
  return (on, one) => {
    const { length } = one.operands;
    readOperand(on, one, length - 2, a);
    readOperand(on, one, length - 1, b);
    for (let lane = 0; lane < WORDS; lane += 4) {
      copy(a, lane + 2 * half, a, lane, 2);
      copy(b, lane + 2 * half, a, lane + 2, 2);
    }
    writeOperand(on, one, 0, a);
  };
}

function shuffleWords(on: CoreState, one: Instruction): void {
  readOperand(on, one, 1, a);
  for (let lane = 0; lane < WORDS; lane += 4)
    for (let word = 0; word < 4; word += 1) copy(a, lane + ((one.immediate >> (2 * word)) & 3), b, lane + word, 1);
  writeOperand(on, one, 0, b);
}

/** Repeats the first words of the source over the destination. */
function repeat(words: number): Effect {
  return (on, one) => {
    readOperand(on, one, 1, a);
    const count = operandBytes(one, 0) >> 2;
    for (let at = 0; at < count; at += words) copy(a, 0, b, at, words);
    b.words.fill(0, count);
    b.known.fill(1, count);
    writeOperand(on, one, 0, b);
  };
}

function logic(combine: (x: number, y: number) => number): Effect {
  return (on, one) => {
    const { length } = one.operands;
    readOperand(on, one, length - 2, a);
    readOperand(on, one, length - 1, b);
    for (let word = 0; word < WORDS; word += 1) {
      a.words[word] = combine(a.words[word]!, b.words[word]!);
      a.known[word]! &= b.known[word]!;
    }
    writeOperand(on, one, 0, a);
  };
}

/** vinsertf128 and the like: words of the last source into those of the first. */
function insert(words: number): Effect {
  return (on, one) => {
    readOperand(on, one, one.operands.length - 3, b);
    readOperand(on, one, one.operands.length - 2, a);
    const places = operandBytes(one, 0) / (4 * words);
    copy(a, 0, b, words * (one.immediate & (places - 1)), words);
    writeOperand(on, one, 0, b);
  };
}

function extract(words: number): Effect {
  return (on, one) => {
    readOperand(on, one, 1, a);
    const places = operandBytes(one, 1) / (4 * words);
    copy(a, words * (one.immediate & (places - 1)), b, 0, words);
    b.words.fill(0, words);
    b.known.fill(1, words);
    writeOperand(on, one, 0, b);
  };
}

/** Moves of a mask's lower bits: the rest becomes zero. */
function moveMask(bits: number): Effect {
  return (on, one) => {
    readOperand(on, one, 1, a);
    a.words[0]! &= bits;
    a.words[1] = 0;
    a.known[1] = 1;
    writeOperand(on, one, 0, a);
  };
}

const each = (names: string, effect: Effect): [string, Effect][] =>
  names.split(' ').flatMap((name): [string, Effect][] => [
    [name, effect],
    [`v${name}`, effect],
  ]);

/** Effects of vector instructions that move bits about; arithmetic is forgotten. */
export const VECTORS: readonly (readonly [string, Effect])[] = [
  ...each('movd movq movaps movapd movups movupd movdqa movdqu lddqu movntdqa movntdq movntps movntpd', move),
  ...each('movdqa32 movdqa64 movdqu8 movdqu16 movdqu32 movdqu64', move),
  ...each('movss', moveScalar(1)),
  ...each('movsd', moveScalar(2)),
  ...each('movlps movlpd', moveHalf(0)),
  ...each('movhps movhpd movlhps', moveHalf(1)),
  ...each('movhlps', moveUpper),
  ...each('punpcklqdq unpcklpd', interleave(0)),
  ...each('punpckhqdq unpckhpd', interleave(1)),
  ...each('pshufd', shuffleWords),
  ...each('pbroadcastd broadcastss', repeat(1)),
  ...each('pbroadcastq broadcastsd movddup', repeat(2)),
  ...each('broadcastf128 broadcasti128 broadcastf32x4 broadcasti32x4 broadcastf64x2 broadcasti64x2', repeat(4)),
  ...each(
    'pxor pxord pxorq xorps xorpd',
    logic((x, y) => x ^ y),
  ),
  ...each(
    'por pord porq orps orpd',
    logic((x, y) => x | y),
  ),
  ...each(
    'pand pandd pandq andps andpd',
    logic((x, y) => x & y),
  ),
  ...each(
    'pandn pandnd pandnq andnps andnpd',
    logic((x, y) => ~x & y),
  ),
  ...each('pinsrd', insert(1)),
  ...each('pinsrq', insert(2)),
  ...each('insertf128 inserti128 insertf32x4 inserti32x4 insertf64x2 inserti64x2', insert(4)),
  ...each('pextrd extractps', extract(1)),
  ...each('pextrq', extract(2)),
  ...each('extractf128 extracti128 extractf32x4 extracti32x4 extractf64x2 extracti64x2', extract(4)),
  ['kmovb', moveMask(0xff)],
  ['kmovw', moveMask(0xffff)],
  ['kmovd', moveMask(-1)],
  ['kmovq', move],
];
