import type { Instruction } from './instruction.ts';

/** Instructions kept: a few thousand bytes each, with what a core makes of them. */
const MOST_KEPT = 1 << 14;

/** No instruction is the beginning of another: a walk byte by byte ends at the one that they encode. */
interface Node {
  /** null: nothing follows. */
  next: Map<number, Node> | null;
  instruction: Instruction | null;
}

const node = (): Node => ({ next: null, instruction: null });
let root = node();
let kept = 0;

/** The instruction at `offset`, if the same bytes were kept before; else null. */
export function findInstruction(bytes: Uint8Array, offset: number): Instruction | null {
  let at: Node | undefined = root;
  for (let index = offset; index < bytes.length; index += 1) {
    at = at.next?.get(bytes[index]!);
    if (at === undefined) return null;
    if (at.instruction !== null) return at.instruction;
  }
  return null;
}

/** Keeps an instruction that was decoded from bytes at `offset`. */
export function keepInstruction(bytes: Uint8Array, offset: number, instruction: Instruction): void {
  if (kept === MOST_KEPT) {
    root = node();
    kept = 0;
  }
  kept += 1;
  let at = root;
  for (let index = 0; index < instruction.length; index += 1) {
    const byte = bytes[offset + index]!;
    at.next ??= new Map();
    let next = at.next.get(byte);
    if (next === undefined) {
      next = node();
      at.next.set(byte, next);
    }
    at = next;
  }
  at.instruction = instruction;
}
