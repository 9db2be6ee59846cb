import {
  EncodingKind,
  type Instruction as Decoded,
  InstructionInfoFactory,
  MemorySizeExt,
  Mnemonic,
  OpAccess,
  OpKind,
  RflagsBits,
} from 'iced-x86';
import { formOf } from './form.ts';
import { FLAG_CARRY, FLAG_OTHER, type Instruction, type MemoryOperand, type Operand, UNIT } from './instruction.ts';
import { registerFacts } from './registers.ts';

const MASK32 = 0xffffffffn;
const CARRY = RflagsBits.CF;
const OTHER = RflagsBits.OF | RflagsBits.SF | RflagsBits.ZF | RflagsBits.AF | RflagsBits.PF;

const mnemonics = new Map<number, string>();
export function mnemonicName(value: number): string {
  let name = mnemonics.get(value);
  if (name === undefined) {
    name = (Mnemonic[value] ?? 'invalid').toLowerCase();
    mnemonics.set(value, name);
  }
  return name;
}

function memoryOf(
  instruction: Decoded,
  accesses: readonly number[],
  sizeBytes: number,
  offset: number,
): MemoryOperand | null {
  for (let index = 0; index < instruction.opCount; index += 1) {
    if (instruction.opKind(index) !== OpKind.Memory) continue;
    const access = accesses[index]!;
    const base = registerFacts(instruction.memoryBase);
    const indexRegister = registerFacts(instruction.memoryIndex);
    const isRip = instruction.isIpRelMemoryOperand;
    const displacement = BigInt.asUintN(64, instruction.memoryDisplacement - (isRip ? BigInt(offset) : 0n));
    return {
      operand: index,
      base: base?.unit ?? null,
      index: indexRegister?.unit ?? null,
      scale: instruction.memoryIndexScale,
      low: Number(displacement & MASK32) | 0,
      high: Number(displacement >> 32n) | 0,
      hasDisplacement: instruction.memoryDisplSize > 0,
      isRip,
      addressBits: base === null || base.bits !== 32 ? 64 : 32,
      sizeBytes,
      reads: isRead(access),
      writes: isWritten(access),
      isBroadcast: instruction.isBroadcast,
    };
  }
  return null;
}

function isRead(access: number): boolean {
  return (
    access === OpAccess.Read ||
    access === OpAccess.CondRead ||
    access === OpAccess.ReadWrite ||
    access === OpAccess.ReadCondWrite
  );
}
function isWritten(access: number): boolean {
  return (
    access === OpAccess.Write ||
    access === OpAccess.CondWrite ||
    access === OpAccess.ReadWrite ||
    access === OpAccess.ReadCondWrite
  );
}

/** Cores before Ice Lake read what they overwrite here, though the architecture does not ask for it. */
const READS_DESTINATION: ReadonlySet<string> = new Set(['popcnt', 'bsf', 'bsr']);

const LEGACY_PREFIXES = [0x66, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x67, 0xf0];

/** Bytes before the opcode proper: prefixes, REX, VEX or EVEX, and escapes such as 0F or 0F 38. */
function opcodeOffset(bytes: Uint8Array, start: number, encoding: EncodingKind): number {
  let at = start;
  while (LEGACY_PREFIXES.includes(bytes[at]!)) at += 1;
  if (encoding === EncodingKind.EVEX) return at + 4 - start;
  if (encoding === EncodingKind.VEX) return at + (bytes[at] === 0xc5 ? 2 : 3) - start;
  if ((bytes[at]! & 0xf0) === 0x40) at += 1;
  if (bytes[at] === 0x0f) {
    at += 1;
    if (bytes[at] === 0x38 || bytes[at] === 0x3a) at += 1;
  }
  return at - start;
}

const factory = { info: null as InstructionInfoFactory | null };

/** What iced-x86 knows of an instruction at `offset` of a block, as plain data. */
export function describe(decoded: Decoded, bytes: Uint8Array, offset: number): Instruction {
  factory.info ??= new InstructionInfoFactory();
  const info = factory.info.info(decoded);
  const accesses = [info.op0Access, info.op1Access, info.op2Access, info.op3Access, info.op4Access];
  const used = info.usedRegisters();
  const usedMemory = info.usedMemory();
  const sizeBytes = memorySize(usedMemory);
  const memory = memoryOf(decoded, accesses, sizeBytes, offset);
  const operands: Operand[] = [];
  for (let index = 0; index < decoded.opCount; index += 1) operands.push(operandOf(decoded, index, accesses[index]!));

  const explicit = new Set(operands.map((operand) => operand.unit));
  const addressUnits = [memory?.base ?? null, memory?.index ?? null];
  const isStack = decoded.isStackInstruction;
  const reads = new Set<number>();
  const writes = new Set<number>();
  for (const one of used) {
    const facts = registerFacts(one.register);
    const { access } = one;
    one.free();
    if (facts === null) continue;
    if (isStack && facts.unit === UNIT.stackPointer) continue;
    const isAddressOnly = addressUnits.includes(facts.unit) && !explicit.has(facts.unit);
    // What is written under a condition (cmov) keeps its old value otherwise.
    if ((isRead(access) || access === OpAccess.CondWrite) && !isAddressOnly) reads.add(facts.unit);
    if (isWritten(access)) {
      writes.add(facts.unit);
      if (facts.kind === 'r' && facts.bits < 32) reads.add(facts.unit);
    }
  }
  for (const one of usedMemory) one.free();
  info.free();
  const mnemonic = mnemonicName(decoded.mnemonic);
  if (READS_DESTINATION.has(mnemonic)) reads.add(operands[0]!.unit!);
  const { rflagsRead, rflagsModified } = decoded;
  if ((rflagsRead & CARRY) !== 0) reads.add(FLAG_CARRY);
  if ((rflagsRead & OTHER) !== 0) reads.add(FLAG_OTHER);
  if ((rflagsModified & CARRY) !== 0) writes.add(FLAG_CARRY);
  if ((rflagsModified & OTHER) !== 0) writes.add(FLAG_OTHER);
  const { encoding } = decoded;
  const isVex = encoding !== EncodingKind.Legacy;
  const first = operands[0];
  const immediate16 = operands.some((operand) => operand.immediateBits === 16);
  const base = {
    length: decoded.length,
    opcodeOffset: opcodeOffset(bytes, offset, encoding),
    mnemonic,
    operands,
    memory,
    reads: [...reads],
    writes: [...writes],
    isStack,
    stackStep: isStack ? decoded.stackPointerIncrement : 0,
    encoding: encoding === EncodingKind.EVEX ? ('evex' as const) : isVex ? ('vex' as const) : ('legacy' as const),
    mask: registerFacts(decoded.opMask)?.unit ?? null,
    isZeroing: decoded.zeroingMasking,
    hasLengthChangingPrefix: !isVex && immediate16 && bytes.subarray(offset, offset + 4).includes(0x66),
    isLocked: decoded.hasLockPrefix || (mnemonic === 'xchg' && memory !== null),
    hasWideImmediate: operands.some((operand) => operand.immediateBits === 64),
    immediate: immediateOf(decoded, operands),
    sizeBytes,
    widthBits: first === undefined ? 0 : first.kind === 'm' ? sizeBytes * 8 : first.bits,
  };
  return { ...base, form: formOf(base) };
}

function immediateOf(decoded: Decoded, operands: readonly Operand[]): number {
  const index = operands.findIndex((operand) => operand.kind === 'i');
  return index < 0 ? 0 : Number(BigInt.asIntN(64, decoded.immediate(index)));
}

function operandOf(decoded: Decoded, index: number, access: number): Operand {
  const kind = decoded.opKind(index);
  const rw = { reads: isRead(access), writes: isWritten(access) };
  if (kind === OpKind.Register) {
    const facts = registerFacts(decoded.opRegister(index));
    return {
      kind: facts?.kind ?? 'other',
      unit: facts?.unit ?? null,
      bits: facts?.bits ?? 0,
      high: facts?.high ?? false,
      immediateBits: 0,
      ...rw,
    };
  }
  if (kind === OpKind.Memory) return { kind: 'm', unit: null, bits: 0, high: false, immediateBits: 0, ...rw };
  // The only implicit address that gets here: maskmovdqu's.
  if (kind === OpKind.MemorySegRDI) return { kind: 'other', unit: null, bits: 0, high: false, immediateBits: 0, ...rw };
  const immediateBits = kind === OpKind.Immediate64 ? 64 : kind === OpKind.Immediate16 ? 16 : 32;
  return { kind: 'i', unit: null, bits: 0, high: false, immediateBits, ...rw };
}

function memorySize(used: readonly { memorySize: number }[]): number {
  return used.length === 0 ? 0 : memorySizeBytes(used[0]!.memorySize);
}

const memorySizes = new Map<number, number>();
function memorySizeBytes(size: number): number {
  let bytes = memorySizes.get(size);
  if (bytes === undefined) {
    bytes = MemorySizeExt.size(size);
    memorySizes.set(size, bytes);
  }
  return bytes;
}
