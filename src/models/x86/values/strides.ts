import { type Instruction, UNIT } from '../instruction.ts';
import type { Access } from './evaluate.ts';

/** Bytes that `push` and `pop` move the stack pointer by. */
const STACK_BYTES = 8;

/** Bytes that each access moves in an iteration, as halves of 64 bits. */
export interface Strides {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/** What an instruction adds to its first operand, a whole general register; null: it does something else. */
function addendOf({ mnemonic, operands, memory, immediate }: Instruction): number | null {
  const [to, by] = operands;
  if (to?.kind !== 'r' || to.bits !== 64) return null;
  if (mnemonic === 'inc') return 1;
  if (mnemonic === 'dec') return -1;
  if (mnemonic === 'add' && by?.kind === 'i') return immediate;
  if (mnemonic === 'sub' && by?.kind === 'i') return -immediate;
  const isOwnAddress = memory !== null && memory.base === to.unit && memory.index === null && memory.addressBits === 64;
  return mnemonic === 'lea' && isOwnAddress && memory.high === memory.low >> 31 ? memory.low : null;
}

/** Bytes that each general register moves in an iteration; NaN: not a constant. */
function registerStrides(instructions: readonly Instruction[]): Float64Array {
  const strides = new Float64Array(UNIT.vector);
  for (const one of instructions) {
    const { mnemonic, isStack, writes, operands } = one;
    if (isStack) {
      const isPlain = (mnemonic === 'push' || mnemonic === 'pop') && operands[0]?.unit !== UNIT.stackPointer;
      strides[UNIT.stackPointer]! += !isPlain ? Number.NaN : mnemonic === 'pop' ? STACK_BYTES : -STACK_BYTES;
    }
    for (const unit of writes)
      if (unit < UNIT.vector) strides[unit]! += unit === operands[0]?.unit ? (addendOf(one) ?? Number.NaN) : Number.NaN;
  }
  return strides;
}

/** Whether all accesses move alike. */
export function areEqual({ low, high }: Strides): boolean {
  return low.every((one) => one === low[0]) && high.every((one) => one === high[0]);
}

/** Strides of all accesses where addresses depend on nothing but constants added to registers; else null. */
export function stridesOf(instructions: readonly Instruction[], accesses: readonly Access[]): Strides | null {
  const registers = registerStrides(instructions);
  const strides = { low: new Int32Array(accesses.length), high: new Int32Array(accesses.length) };
  for (let index = 0; index < accesses.length; index += 1) {
    const { isStore, instruction } = accesses[index]!;
    const { memory, mnemonic } = instructions[instruction]!;
    let bytes = 0;
    if (mnemonic === (isStore ? 'push' : 'pop')) bytes = registers[UNIT.stackPointer]!;
    else if (memory === null) return null;
    else {
      if (memory.base !== null) bytes += registers[memory.base]!;
      if (memory.index !== null && memory.index < UNIT.vector) bytes += memory.scale * registers[memory.index]!;
      if (memory.addressBits === 32 && bytes !== 0) return null;
    }
    if (Number.isNaN(bytes)) return null;
    strides.low[index] = bytes;
    strides.high[index] = Math.floor(bytes / 2 ** 32);
  }
  return strides;
}
