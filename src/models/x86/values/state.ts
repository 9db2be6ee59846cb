import { type Instruction, type MemoryOperand, UNIT, UNITS } from '../instruction.ts';
import { add64, out, shl64 } from './words.ts';

/** What every register and word of memory holds at the start (the protocol of the measurements). */
const START = 0x12345600;
const FLOAT_ONE = 0x3f800000;
const PAGE_BYTES = 4096;
const PAGE_MASK = PAGE_BYTES - 1;
/** 32-bit words of the widest register. */
export const WORDS = 16;

/** Bits of a register or an operand, and which of its 32-bit words are known. */
export interface Value {
  readonly words: Int32Array;
  readonly known: Uint8Array;
}

/** Registers, flags and memory of a core. Every page is the same physical page, as in the measurements. */
export interface CoreState {
  readonly registers: Value;
  readonly page: Uint8Array;
  readonly pageKnown: Uint8Array;
  /** Whether a write has changed what memory holds since this was last set to false. */
  hasNewMemory: boolean;
  /** Address of the instruction being executed. */
  readonly address: { low: number; high: number; isKnown: boolean };
  readonly flags: {
    zero: boolean | null;
    carry: boolean | null;
    sign: boolean | null;
    overflow: boolean | null;
  };
}

export function value(): Value {
  return { words: new Int32Array(WORDS), known: new Uint8Array(WORDS) };
}

export function coreState(): CoreState {
  return {
    registers: { words: new Int32Array(UNITS * WORDS), known: new Uint8Array(UNITS * WORDS) },
    page: new Uint8Array(PAGE_BYTES),
    pageKnown: new Uint8Array(PAGE_BYTES),
    hasNewMemory: false,
    address: { low: 0, high: 0, isKnown: true },
    flags: { zero: true, carry: false, sign: false, overflow: false },
  };
}

const startPage = new Uint8Array(PAGE_BYTES);
const startWords = new DataView(startPage.buffer);
for (let at = 0; at < PAGE_BYTES; at += 8) startWords.setUint32(at, START, true);

/** Puts a machine into the state in which measurements start. */
export function restart({ registers, page, pageKnown, flags }: CoreState): void {
  registers.known.fill(1);
  registers.words.fill(0);
  for (let unit = UNIT.general; unit < UNIT.general + 16; unit += 1) registers.words[unit * WORDS] = START;
  registers.words.fill(FLOAT_ONE, UNIT.vector * WORDS, (UNIT.vector + 32) * WORDS);
  registers.words.fill(-1, UNIT.mask * WORDS, (UNIT.mask + 8) * WORDS);
  page.set(startPage);
  pageKnown.fill(1);
  flags.zero = true;
  flags.carry = flags.sign = flags.overflow = false;
}

/** The address of a memory operand. */
export function setAddress(on: CoreState, memory: MemoryOperand): void {
  const { address } = on;
  address.low = memory.low;
  address.high = memory.high;
  address.isKnown = true;
  if (memory.base !== null) addRegister(on, memory.base, 0);
  if (memory.index !== null) {
    if (memory.index >= UNIT.vector) address.isKnown = false;
    addRegister(on, memory.index, 31 - Math.clz32(memory.scale));
  }
  if (memory.addressBits === 32) address.high = 0;
}

function addRegister({ address, registers }: CoreState, unit: number, shift: number): void {
  const at = unit * WORDS;
  shl64(registers.words[at]!, registers.words[at + 1]!, shift);
  add64(address.low, address.high, out.low, out.high);
  address.low = out.low;
  address.high = out.high;
  if (registers.known[at] === 0 || registers.known[at + 1] === 0) address.isKnown = false;
}

/** Sets the address to a general register. */
export function pointAt({ address, registers }: CoreState, unit: number): void {
  const at = unit * WORDS;
  address.low = registers.words[at]!;
  address.high = registers.words[at + 1]!;
  address.isKnown = registers.known[at] === 1 && registers.known[at + 1] === 1;
}

/** Reads memory at the address; words beyond `bytes` are zero. */
export function readMemory({ address, page, pageKnown }: CoreState, bytes: number, into: Value): void {
  const { words, known } = into;
  for (let word = 0; word < WORDS; word += 1) {
    words[word] = 0;
    known[word] = address.isKnown || 4 * word >= bytes ? 1 : 0;
  }
  if (!address.isKnown) return;
  for (let byte = 0; byte < bytes; byte += 1) {
    const at = (address.low + byte) & PAGE_MASK;
    words[byte >> 2]! |= page[at]! << (8 * (byte & 3));
    if (pageKnown[at] === 0) known[byte >> 2] = 0;
  }
}

/** Writes to memory at the address; where the address is not known, nothing. */
export function writeMemory(on: CoreState, bytes: number, from: Value): void {
  const { address, page, pageKnown } = on;
  if (!address.isKnown) return;
  for (let byte = 0; byte < bytes; byte += 1) {
    const at = (address.low + byte) & PAGE_MASK;
    const now = (from.words[byte >> 2]! >> (8 * (byte & 3))) & 0xff;
    const isKnown = from.known[byte >> 2]!;
    if (page[at] !== now || pageKnown[at] !== isKnown) on.hasNewMemory = true;
    page[at] = now;
    pageKnown[at] = isKnown;
  }
}

const WIDTH_BYTES: Readonly<Record<string, number>> = { x: 16, y: 32, z: 64, mm: 8, k: 8 };

/** Bytes of an operand. */
export function operandBytes(one: Instruction, index: number): number {
  const operand = one.operands[index]!;
  return operand.kind === 'm' ? one.sizeBytes : (WIDTH_BYTES[operand.kind] ?? operand.bits >> 3);
}

/** Reads an operand, zero-extended from its width. */
export function readOperand(on: CoreState, one: Instruction, index: number, into: Value): void {
  const operand = one.operands[index]!;
  if (operand.kind === 'm') return readMemory(on, one.sizeBytes, into);
  const { words, known } = into;
  const { registers } = on;
  if (operand.kind === 'r') {
    const at = operand.unit! * WORDS;
    known[0] = registers.known[at]!;
    known[1] = operand.bits === 64 ? registers.known[at + 1]! : 1;
    const low = registers.words[at]!;
    words[1] = operand.bits === 64 ? registers.words[at + 1]! : 0;
    words[0] = operand.bits >= 32 ? low : operand.bits === 16 ? low & 0xffff : (low >>> (operand.high ? 8 : 0)) & 0xff;
  } else if (operand.kind === 'i') {
    words[0] = one.immediate | 0;
    words[1] = Math.floor(one.immediate / 2 ** 32) | 0;
    known[0] = known[1] = 1;
  } else if (operand.unit === null) known.fill(0);
  else {
    const at = operand.unit * WORDS;
    const count = WIDTH_BYTES[operand.kind]! >> 2;
    for (let word = 0; word < WORDS; word += 1) {
      words[word] = word < count ? registers.words[at + word]! : 0;
      known[word] = word < count ? registers.known[at + word]! : 1;
    }
  }
}

/** Writes an operand: general registers of 8 and 16 bits keep the rest, legacy vector instructions what is beyond 128 bits. */
export function writeOperand(on: CoreState, one: Instruction, index: number, from: Value): void {
  const operand = one.operands[index]!;
  if (operand.kind === 'm') return writeMemory(on, one.sizeBytes, from);
  if (operand.unit === null) return;
  const { words, known } = on.registers;
  const at = operand.unit * WORDS;
  if (operand.kind !== 'r') {
    const count = one.encoding === 'legacy' || operand.kind === 'k' ? WIDTH_BYTES[operand.kind]! >> 2 : WORDS;
    for (let word = 0; word < count; word += 1) {
      words[at + word] = from.words[word]!;
      known[at + word] = from.known[word]!;
    }
    return;
  }
  if (operand.bits >= 32) {
    words[at] = from.words[0]!;
    known[at] = from.known[0]!;
    words[at + 1] = operand.bits === 64 ? from.words[1]! : 0;
    known[at + 1] = operand.bits === 64 ? from.known[1]! : 1;
    return;
  }
  const shift = operand.high ? 8 : 0;
  const mask = (operand.bits === 16 ? 0xffff : 0xff) << shift;
  words[at] = (words[at]! & ~mask) | ((from.words[0]! << shift) & mask);
  if (from.known[0] === 0) known[at] = 0;
}

const unknown: Value = { words: new Int32Array(WORDS), known: new Uint8Array(WORDS) };

/** Nothing is known any more of what an instruction writes. */
export function forget(on: CoreState, one: Instruction): void {
  const { known } = on.registers;
  for (const unit of one.writes) known.fill(0, unit * WORDS, (unit + 1) * WORDS);
  if (one.memory?.writes === true) writeMemory(on, one.sizeBytes, unknown);
  forgetFlags(on);
}

export function forgetFlags({ flags }: CoreState): void {
  flags.zero = flags.carry = flags.sign = flags.overflow = null;
}

/** Moves a general register by so many bytes. */
export function moveRegister({ registers }: CoreState, unit: number, bytes: number): void {
  const at = unit * WORDS;
  add64(registers.words[at]!, registers.words[at + 1]!, bytes, bytes >> 31);
  registers.words[at] = out.low;
  registers.words[at + 1] = out.high;
}
