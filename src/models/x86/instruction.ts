/** Where each class of registers starts in the numbering that dependences are tracked by. */
export const UNIT = { general: 0, stackPointer: 4, framePointer: 5, vector: 16, mask: 48, mmx: 58 } as const;
/** The carry flag and the other flags are renamed apart from each other. */
export const FLAG_CARRY = 56;
export const FLAG_OTHER = 57;
export const UNITS = 66;

export interface Operand {
  /** r general register, x y z vector register of 128, 256, 512 bits, k mask, mm MMX, m memory, i immediate. */
  readonly kind: 'r' | 'x' | 'y' | 'z' | 'k' | 'mm' | 'm' | 'i' | 'other';
  readonly unit: number | null;
  readonly bits: number;
  /** ah, bh, ch or dh */
  readonly high: boolean;
  readonly immediateBits: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

export interface MemoryOperand {
  readonly operand: number;
  readonly base: number | null;
  readonly index: number | null;
  readonly scale: number;
  /** Displacement, for rip-relative operands from the start of the instruction: two halves of 32 bits. */
  readonly low: number;
  readonly high: number;
  readonly hasDisplacement: boolean;
  readonly isRip: boolean;
  readonly addressBits: 32 | 64;
  readonly sizeBytes: number;
  readonly reads: boolean;
  readonly writes: boolean;
  readonly isBroadcast: boolean;
}

/** One instruction as plain data, wherever it stands. */
export interface Instruction {
  readonly length: number;
  /** Bytes before the opcode proper. */
  readonly opcodeOffset: number;
  readonly mnemonic: string;
  /** Mnemonic and kinds of operands, e.g. `add r64,m64`. */
  readonly form: string;
  readonly operands: readonly Operand[];
  readonly memory: MemoryOperand | null;
  /** Registers and flags read, those of the address left out. */
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly isStack: boolean;
  /** What the stack pointer moves by. */
  readonly stackStep: number;
  readonly encoding: 'legacy' | 'vex' | 'evex';
  readonly mask: number | null;
  readonly isZeroing: boolean;
  readonly hasLengthChangingPrefix: boolean;
  /** Locks the bus: memory accesses do not pass it. */
  readonly isLocked: boolean;
  readonly hasWideImmediate: boolean;
  readonly immediate: number;
  /** Bytes that the memory access moves; 0 without one. */
  readonly sizeBytes: number;
  /** Width of the first operand. */
  readonly widthBits: number;
}

const VECTOR_KINDS: ReadonlySet<string> = new Set(['x', 'y', 'z', 'k', 'mm']);

/** Whether an operand is a vector, mask or MMX register. */
export function isVector({ operands }: Pick<Instruction, 'operands'>): boolean {
  return operands.some(({ kind }) => VECTOR_KINDS.has(kind));
}
