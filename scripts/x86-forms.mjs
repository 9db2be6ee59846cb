// One encoding of every instruction form of chosen instruction sets in 64-bit mode, made with the encoder of iced-x86: the list
// that the micro-op tables are held against.
import {
  Code,
  CodeExt,
  CpuidFeature,
  Encoder,
  EncodingKind,
  FlowControl,
  Instruction,
  Mnemonic,
  OpCodeOperandKind,
  OpKind,
  Register,
} from 'iced-x86';

/** What all cores since Sandy Bridge execute in user mode, but for x87, transactions and control of the system. */
export const BASE_SETS =
  'INTEL8086 INTEL186 INTEL286 INTEL386 INTEL486 X64 CMOV CMPXCHG16B CX8 MMX MULTIBYTENOP PAUSE PREFETCHW SSE SSE2 SSE3 SSE4_1 SSE4_2 SSSE3'.split(
    ' ',
  );

const KIND_NAMES = new Map(
  Object.entries(OpCodeOperandKind)
    .filter(([, value]) => typeof value === 'number')
    .map(([name, value]) => [value, name]),
);
/** First register of a class of which the forms take numbers 1, 2, 3 ...; none of them has a special encoding. */
const CLASSES = [
  [/^r8/, Register.R8L],
  [/^r16/, Register.R8W],
  [/^r32/, Register.R8D],
  [/^r64/, Register.R8],
  [/^xmm/, Register.XMM0],
  [/^ymm/, Register.YMM0],
  [/^zmm/, Register.ZMM0],
  [/^mm/, Register.MM0],
  [/^k/, Register.K0],
];
const FIXED = {
  al: Register.AL,
  cl: Register.CL,
  ax: Register.AX,
  dx: Register.DX,
  eax: Register.EAX,
  rax: Register.RAX,
};
const INDICES = { x: Register.XMM6, y: Register.YMM6, z: Register.ZMM6 };
const IMMEDIATES = {
  imm8: OpKind.Immediate8,
  imm8_const_1: OpKind.Immediate8,
  imm8sex16: OpKind.Immediate8to16,
  imm8sex32: OpKind.Immediate8to32,
  imm8sex64: OpKind.Immediate8to64,
  imm16: OpKind.Immediate16,
  imm32: OpKind.Immediate32,
  imm32sex64: OpKind.Immediate32to64,
  imm64: OpKind.Immediate64,
};

/** Sets operand `at`; false if the kind is not one of a block (segments, control registers, branch targets). */
function setOperand(instruction, at, kind, inMemory) {
  const name = KIND_NAMES.get(kind);
  if (name.startsWith('mem') || (inMemory && isOrMemory(kind))) {
    if (name === 'mem_offs' || name === 'mem_mib' || name === 'mem_mpx') return false;
    instruction.setOpKind(at, OpKind.Memory);
    instruction.memoryBase = Register.R15;
    const vector = /^mem_vsib\d\d([xyz])$/.exec(name);
    if (vector !== null) instruction.memoryIndex = INDICES[vector[1]];
    return true;
  }
  if (name === 'seg_rDI') {
    instruction.setOpKind(at, OpKind.MemorySegRDI);
    return true;
  }
  if (name in IMMEDIATES) {
    instruction.setOpKind(at, IMMEDIATES[name]);
    if (name === 'imm64') instruction.immediate64 = 0x123456789abcdef0n;
    else if (name === 'imm32' || name === 'imm32sex64') instruction.immediate32 = 0x12345678;
    else if (name === 'imm16') instruction.immediate16 = 0x1234;
    else instruction.immediate8 = name === 'imm8_const_1' ? 1 : 3;
    return true;
  }
  const first = FIXED[name] ?? CLASSES.find(([pattern]) => pattern.test(name))?.[1];
  if (first === undefined) return false;
  instruction.setOpKind(at, OpKind.Register);
  instruction.setOpRegister(at, name in FIXED ? first : first + at + 1);
  return true;
}

function encode(instruction) {
  const encoder = new Encoder(64);
  try {
    encoder.encode(instruction, 0n);
    return Buffer.from(encoder.takeBuffer()).toString('hex');
  } catch {
    return null;
  } finally {
    encoder.free();
  }
}

const isOrMemory = (kind) => KIND_NAMES.get(kind)?.endsWith('_or_mem') === true;

/** What addresses are made of; only for lea it matters. */
const ADDRESSES = [
  {},
  { displacement: 64 },
  { index: Register.R14 },
  { index: Register.R14, displacement: 64 },
  { base: Register.RIP, displacement: 64 },
];

function setAddress(instruction, { base, index, displacement }) {
  if (base !== undefined) instruction.memoryBase = base;
  if (index !== undefined) instruction.memoryIndex = index;
  if (displacement === undefined) return;
  instruction.memoryDisplacement = BigInt(displacement);
  instruction.memoryDisplSize = base === Register.RIP ? 8 : 1;
}

/** Encodings of one code: operands in registers and in memory, masked, zeroing, broadcast; lea with all kinds of addresses. */
function encodingsOf(code) {
  const opCode = CodeExt.opCode(code);
  const refused = !opCode.mode64 || opCode.isPrivileged;
  const kinds = Array.from({ length: opCode.opCount }, (_, at) => opCode.opKind(at));
  const variants = [];
  for (const inMemory of refused ? [] : [false, true]) {
    if (inMemory && !kinds.some(isOrMemory)) continue;
    const isMemory = inMemory || kinds.some((kind) => KIND_NAMES.get(kind).startsWith('mem'));
    for (const broadcast of isMemory && opCode.canBroadcast ? [false, true] : [false])
      for (const mask of opCode.canUseOpMaskRegister ? ['', 'k', 'z'] : ['']) {
        // Stores cannot be zeroing.
        if (mask === 'z' && (!opCode.canUseZeroingMasking || (inMemory && isOrMemory(kinds[0])))) continue;
        if (mask === '' && opCode.requireOpMaskRegister) continue;
        variants.push({ inMemory, broadcast, mask });
      }
  }
  const found = [];
  const isLea = opCode.mnemonic === Mnemonic.Lea;
  for (const { inMemory, broadcast, mask, address } of variants.flatMap((variant) =>
    (isLea ? ADDRESSES : [{}]).map((address) => ({ ...variant, address })),
  )) {
    const instruction = new Instruction();
    instruction.code = code;
    if (kinds.every((kind, at) => setOperand(instruction, at, kind, inMemory))) {
      setAddress(instruction, address);
      instruction.isBroadcast = broadcast;
      if (mask !== '') instruction.opMask = Register.K5;
      instruction.zeroingMasking = mask === 'z';
      const hex = encode(instruction);
      if (hex !== null && hex !== '') found.push(hex);
    }
    instruction.free();
  }
  opCode.free();
  return found;
}

/** `{ code, hex, sets }` of one encoding per form of the instruction sets, by iced-x86's names of CpuidFeature. */
export function encodings(sets) {
  const wanted = new Map(sets.map((name) => [CpuidFeature[name], name]));
  const all = [];
  for (const code of Object.values(Code).filter((value) => typeof value === 'number')) {
    const instruction = new Instruction();
    instruction.code = code;
    const needed = [...instruction.cpuidFeatures()];
    const isWanted =
      instruction.flowControl === FlowControl.Next &&
      instruction.encoding !== EncodingKind.MVEX &&
      needed.every((set) => wanted.has(set));
    instruction.free();
    if (!isWanted) continue;
    for (const hex of encodingsOf(code))
      all.push({ code: Code[code], hex, sets: needed.map((set) => wanted.get(set)) });
  }
  return all;
}
