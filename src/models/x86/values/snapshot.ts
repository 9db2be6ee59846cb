import { type Instruction, UNIT } from '../instruction.ts';
import { type CoreState, WORDS } from './state.ts';

/** Tells whether an iteration leaves everything as it was: then all that follow do the same. */
export interface Snapshot {
  readonly take: () => void;
  /** Whether registers, flags and memory are as they were when it was taken. */
  readonly isCurrent: () => boolean;
}

/** Of the registers that these instructions write, the flags, and memory. */
export function snapshotOf(on: CoreState, instructions: readonly Instruction[]): Snapshot {
  const units = new Set(instructions.flatMap(({ writes }) => writes));
  if (instructions.some(({ isStack }) => isStack)) units.add(UNIT.stackPointer).add(UNIT.framePointer);
  const places = [...units].flatMap((unit) => Array.from({ length: WORDS }, (_, word) => unit * WORDS + word));
  const words = new Int32Array(places.length);
  const known = new Uint8Array(places.length);
  let flags = { ...on.flags };
  return {
    take(): void {
      on.hasNewMemory = false;
      flags = { ...on.flags };
      for (let index = 0; index < places.length; index += 1) {
        words[index] = on.registers.words[places[index]!]!;
        known[index] = on.registers.known[places[index]!]!;
      }
    },
    isCurrent(): boolean {
      const { zero, carry, sign, overflow } = on.flags;
      if (zero !== flags.zero || carry !== flags.carry || sign !== flags.sign || overflow !== flags.overflow)
        return false;
      if (on.hasNewMemory) return false;
      for (let index = 0; index < places.length; index += 1) {
        if (words[index] !== on.registers.words[places[index]!]) return false;
        if (known[index] !== on.registers.known[places[index]!]) return false;
      }
      return true;
    },
  };
}
