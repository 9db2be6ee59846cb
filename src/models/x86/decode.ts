import { Code, Decoder, DecoderOptions, Instruction as Decoded, Register } from 'iced-x86';
import { InputError } from '../../errors.ts';
import { describe, mnemonicName } from './describe.ts';
import { findInstruction, keepInstruction } from './known-instructions.ts';
import type { Instruction } from './instruction.ts';

/** Longest block in bytes: more is a program, not a basic block. */
export const MAX_BLOCK_BYTES = 4096;

const LONGEST_INSTRUCTION_BYTES = 15;

/** Instructions that a block may not hold: they leave it, change the machine, or are not simulated. */
function isRefused(instruction: Decoded): string | null {
  if (instruction.flowControl !== 0) return 'changes the flow of control';
  if (instruction.isPrivileged) return 'is privileged';
  if (instruction.hasRepPrefix || instruction.hasRepnePrefix || instruction.isStringInstruction)
    return 'is a string instruction';
  return null;
}

/** Whether bytes at the end of a block would begin an instruction if more followed. */
function isCutOff(rest: Uint8Array): boolean {
  if (rest.length >= LONGEST_INSTRUCTION_BYTES) return false;
  const padded = new Uint8Array(LONGEST_INSTRUCTION_BYTES);
  padded.set(rest);
  const decoder = new Decoder(64, padded, DecoderOptions.None);
  const decoded = decoder.decode();
  const found = decoded.code !== Code.INVALID && decoded.length > rest.length;
  decoded.free();
  decoder.free();
  return found;
}

/**
 * Instructions of a basic block in 64-bit mode.
 * Throws InputError (with the offset in bytes) for an empty or too long block, bytes that are no instruction, an instruction
 * that is cut off, and instructions that a block may not hold; all of them are listed.
 */
export function decodeBlock(bytes: Uint8Array): Instruction[] {
  if (bytes.length === 0) throw InputError.of('block', 'holds no bytes', 'give the hex of at least one instruction');
  if (bytes.length > MAX_BLOCK_BYTES)
    throw InputError.of('block', `has ${bytes.length} bytes`, `a block may have at most ${MAX_BLOCK_BYTES}`);
  const instructions: Instruction[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const one = findInstruction(bytes, offset) ?? decodeOne(bytes, offset);
    instructions.push(one);
    offset += one.length;
  }
  return instructions;
}

function decodeOne(bytes: Uint8Array, offset: number): Instruction {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const decoded = new Decoded();
  try {
    decoder.ip = BigInt(offset);
    decoder.position = offset;
    decoder.decodeOut(decoded);
    if (decoded.code === Code.INVALID) {
      const found = isCutOff(bytes.subarray(offset)) ? 'an instruction that is cut off' : 'no valid instruction';
      throw InputError.of(`byte ${offset}`, found, 'give whole x86-64 instructions');
    }
    const refusal = isRefused(decoded);
    if (refusal !== null)
      throw InputError.of(
        `byte ${offset}`,
        `${mnemonicName(decoded.mnemonic)} ${refusal}`,
        'leave it out: a block is straight-line code; --mode loop closes it with dec r15; jnz',
      );
    const one = describe(decoded, bytes, offset);
    // An address in 32 bits relative to the instruction wraps as it moves.
    if (decoded.memoryBase !== Register.EIP) keepInstruction(bytes, offset, one);
    return one;
  } finally {
    decoded.free();
    decoder.free();
  }
}
