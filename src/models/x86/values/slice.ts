import { FLAG_CARRY, FLAG_OTHER, type Instruction, UNIT } from '../instruction.ts';

/** Whether an instruction moves data to or from memory: the address of a lea or nop is none. */
function isAccess({ mnemonic, memory, isStack }: Instruction): boolean {
  return mnemonic !== 'lea' && mnemonic !== 'nop' && (memory !== null || isStack);
}

function readsMemory({ mnemonic, memory }: Instruction): boolean {
  return mnemonic === 'pop' || mnemonic === 'leave' || (mnemonic !== 'lea' && memory?.reads === true);
}

function writesMemory({ mnemonic, memory }: Instruction): boolean {
  return mnemonic === 'push' || (mnemonic !== 'lea' && memory?.writes === true);
}

/** General registers of an instruction's address. Vectors of indices are never followed. */
function addressUnits({ memory }: Instruction): number[] {
  return [memory?.base ?? null, memory?.index ?? null].filter(
    (unit) => unit !== null && unit < UNIT.vector,
  ) as number[];
}

/**
 * By instruction: whether some address of the block depends on what it does, in this iteration or a later one: the backward
 * slice from all memory operands, regardless of order. Memory and flags count as one cell each.
 */
export function addressSlice(instructions: readonly Instruction[]): boolean[] {
  const units = new Set<number>();
  for (const one of instructions) {
    if (one.isStack) units.add(UNIT.stackPointer);
    if (isAccess(one)) for (const unit of addressUnits(one)) units.add(unit);
    if (one.mnemonic === 'leave') units.add(UNIT.framePointer);
  }
  const isNeeded = instructions.map(({ isStack }) => isStack);
  const take = (one: Instruction): void => {
    for (const unit of [...one.reads, ...addressUnits(one)]) units.add(unit);
  };
  for (const one of instructions) if (one.isStack) take(one);
  let needsMemory = instructions.some((one) => one.isStack && readsMemory(one));
  for (let before = -1, size = 0; before !== size; before = size, size = units.size + (needsMemory ? 1 : 0)) {
    // Instructions that are not followed forget all flags, whichever they change.
    const needsFlags = units.has(FLAG_CARRY) || units.has(FLAG_OTHER);
    instructions.forEach((one, index) => {
      if (isNeeded[index]) return;
      if (!needsFlags && !(needsMemory && writesMemory(one)) && !one.writes.some((unit) => units.has(unit))) return;
      isNeeded[index] = true;
      take(one);
      if (readsMemory(one)) needsMemory = true;
    });
  }
  return isNeeded;
}
