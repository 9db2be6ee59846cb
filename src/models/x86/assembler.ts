import { Code, Encoder, Instruction, MemoryOperand, Register } from 'iced-x86';
import { ModelBug } from '../../errors.ts';

/** A vector register; its width follows from the instruction. */
export interface VectorRegister {
  readonly vector: number;
}

/** A 64-bit general register by its number: 0 is rax, 7 is rdi, 8 is r8. */
export interface GeneralRegister {
  readonly general: number;
}

export interface Memory {
  readonly base: number;
  readonly displacement: number;
  readonly index?: number;
  /** The element is repeated over the register by the instruction itself (EVEX). */
  readonly broadcast?: boolean;
}

export interface Immediate {
  readonly immediate: number;
}

export type AsmOperand = VectorRegister | GeneralRegister | Memory | Immediate;

/** One instruction: an encoding by the name that iced-x86 gives it, and its operands. */
export interface Asm {
  readonly code: keyof typeof Code;
  readonly operands: readonly AsmOperand[];
}

const WIDTHS = { x: Register.XMM0, y: Register.YMM0, z: Register.ZMM0 } as const;

/** First register of the width that an encoding names first: `EVEX_Vaddps_zmm_...`, `Addps_xmm_...`. */
function vectorBase(code: string): Register {
  const width = /_([xyz])mm/.exec(code)?.[1] as keyof typeof WIDTHS | undefined;
  if (width === undefined) throw new ModelBug(`${code} has no vector register`);
  return WIDTHS[width];
}

function memoryOperand({ base, displacement, index, broadcast }: Memory): MemoryOperand {
  const indexRegister = index === undefined ? Register.None : Register.RAX + index;
  const size = displacement === 0 ? 0 : 1;
  return new MemoryOperand(
    Register.RAX + base,
    indexRegister,
    1,
    BigInt(displacement),
    size,
    broadcast === true,
    Register.None,
  );
}

function instructionOf({ code, operands }: Asm): Instruction {
  const number = Code[code];
  const registers = operands.flatMap((operand) =>
    'vector' in operand
      ? [vectorBase(code) + operand.vector]
      : 'general' in operand
        ? [Register.RAX + operand.general]
        : [],
  );
  const kinds = operands.map((operand) => ('base' in operand ? 'm' : 'immediate' in operand ? 'i' : 'r')).join('');
  const memory = operands.find((operand) => 'base' in operand);
  const immediate = operands.find((operand) => 'immediate' in operand)?.immediate ?? 0;
  const [first = 0, second = 0, third = 0] = registers;
  // A memory operand is taken over by the instruction made with it.
  switch (kinds) {
    case 'rr':
      return Instruction.createRegReg(number, first, second);
    case 'rrr':
      return Instruction.createRegRegReg(number, first, second, third);
    case 'rm':
      return Instruction.createRegMem(number, first, memoryOperand(memory!));
    case 'mr':
      return Instruction.createMemReg(number, memoryOperand(memory!), first);
    case 'rrm':
      return Instruction.createRegRegMem(number, first, second, memoryOperand(memory!));
    case 'm':
      return Instruction.createMem(number, memoryOperand(memory!));
    case 'ri':
      return Instruction.createRegI32(number, first, immediate);
    case 'rri':
      return Instruction.createRegRegI32(number, first, second, immediate);
    case 'rmi':
      return Instruction.createRegMemI32(number, first, memoryOperand(memory!), immediate);
    case 'rrmi':
      return Instruction.createRegRegMemI32(number, first, second, memoryOperand(memory!), immediate);
    case 'rrri':
      return Instruction.createRegRegRegI32(number, first, second, third, immediate);
    default:
      throw new ModelBug(`no way to assemble operands ${kinds} of ${code}`);
  }
}

/** Machine code of instructions, one after another. */
export function assemble(instructions: readonly Asm[]): Uint8Array {
  const encoder = new Encoder(64);
  try {
    let offset = 0n;
    for (const asm of instructions) {
      const instruction = instructionOf(asm);
      offset += BigInt(encoder.encode(instruction, offset));
      instruction.free();
    }
    return encoder.takeBuffer();
  } finally {
    encoder.free();
  }
}
