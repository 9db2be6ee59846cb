import { FLAG_OTHER, type Instruction, isVector, UNIT } from './instruction.ts';
import { CLOSED, type Lowered, loweredBy, portMask, type Uop } from './micro-ops.ts';
import type { RecipeTable } from './recipes.ts';
import type { X86Spec } from './spec.ts';

/** How an instruction passes the front end. */
export interface FrontEndFacts {
  readonly offset: number;
  readonly length: number;
  readonly opcodeOffset: number;
  /** Micro-ops of the fused domain before un-lamination: what decoders and micro-op cache count. */
  readonly fusedUops: number;
  readonly slots: number;
  readonly isMicrocoded: boolean;
  /** Only the first decoder takes it. */
  readonly isComplex: boolean;
  readonly hasLengthChangingPrefix: boolean;
  /** Entries of the micro-op cache it takes besides its micro-ops. */
  readonly extraCacheEntries: number;
  /** Two fused instructions: where the second starts. */
  readonly pairedAt: number | null;
}

/** One iteration of a block. */
export interface Program {
  readonly instructions: readonly Instruction[];
  /** In order of issue. */
  readonly uops: readonly Uop[];
  /** By micro-op: the number of its instruction, and that instruction's first micro-op. */
  readonly instructionOf: readonly number[];
  readonly firstOf: readonly number[];
  /** First micro-op of each issue slot, and the end. */
  readonly slotStart: readonly number[];
  /** Issue slots that un-lamination has parted from the next: both are renamed in the same cycle. */
  readonly parted: readonly number[];
  readonly frontEnd: readonly FrontEndFacts[];
  /** Forms that the table does not name. */
  readonly unknown: readonly string[];
}

const ALU_PORTS = 0b1100011;

function simplePorts({ backEnd }: X86Spec): number {
  return ALU_PORTS & portMask(backEnd.ports);
}

/** Whether the stack engine still owes the stack pointer an offset when the block starts again. */
function endsWithMovedStack(instructions: readonly Instruction[], parts: readonly Lowered[]): boolean {
  for (let index = instructions.length - 1; index >= 0; index -= 1) {
    const { readsPointer, writesPointer } = parts[index]!;
    if (instructions[index]!.isStack) return true;
    if (readsPointer || writesPointer) return false;
  }
  return false;
}

/** Micro-ops of one iteration of a block on a core. */
export function buildProgram(instructions: readonly Instruction[], table: RecipeTable, spec: X86Spec): Program {
  const parts = instructions.map(loweredBy(spec, table));
  const uops: Uop[] = [];
  const instructionOf: number[] = [];
  const firstOf: number[] = [];
  const slotStart = [0];
  const parted: number[] = [];
  const frontEnd: FrontEndFacts[] = [];
  const unknown: string[] = [];
  let stackMoved = endsWithMovedStack(instructions, parts);
  let offset = 0;
  for (let index = 0; index < instructions.length; index += 1) {
    const { form, isStack, length, opcodeOffset, hasLengthChangingPrefix, hasWideImmediate } = instructions[index]!;
    const part = parts[index]!;
    const slotsBefore = slotStart.length;
    if (part.isUnknown) unknown.push(form);
    if (!isStack && stackMoved && part.readsPointer) {
      firstOf.push(uops.length);
      instructionOf.push(index);
      uops.push(synchronise(spec, isVector(instructions[index]!)));
      slotStart.push(uops.length);
    }
    if (isStack) stackMoved = true;
    else if (part.readsPointer || part.writesPointer) stackMoved = false;
    const first = uops.length;
    for (const uop of part.uops) {
      uops.push(uop);
      instructionOf.push(index);
      firstOf.push(first);
    }
    if (part.isParted) parted.push(slotStart.length - 1);
    for (const count of part.slotUops) slotStart.push(slotStart.at(-1)! + count);
    frontEnd.push({
      offset,
      length,
      opcodeOffset,
      fusedUops: part.fusedUops,
      slots: slotStart.length - slotsBefore,
      isMicrocoded: part.isMicrocoded,
      isComplex: part.isComplex,
      hasLengthChangingPrefix,
      extraCacheEntries: hasWideImmediate ? 1 : 0,
      pairedAt: null,
    });
    offset += length;
  }
  return { instructions, uops, instructionOf, firstOf, slotStart, parted, frontEnd, unknown };
}

/** The micro-op that brings the stack pointer up to date. */
function synchronise(spec: X86Spec, ofVector: boolean): Uop {
  const pointer = [UNIT.stackPointer];
  const ports = simplePorts(spec);
  return { ...CLOSED, kind: 'compute', ports, isVector: ofVector, reads: pointer, writes: pointer };
}

/** Register that counts iterations where a block is measured as a loop: r15. */
const COUNTER = 15;

/** The block with the `dec r15; jnz` that closes a measured loop: one micro-op unless a cache line parts the two. */
export function closeLoop(program: Program, blockBytes: number, spec: X86Spec): Program {
  const uops = [...program.uops];
  const instructionOf = [...program.instructionOf];
  const firstOf = [...program.firstOf];
  const slotStart = [...program.slotStart];
  const frontEnd = [...program.frontEnd];
  const add = (ports: number, reads: number[], writes: number[], code: [number, number, number | null]): void => {
    const [offset, length, pairedAt] = code;
    instructionOf.push(program.instructions.length);
    firstOf.push(uops.length);
    uops.push({ ...CLOSED, kind: 'compute', ports, reads, writes });
    slotStart.push(uops.length);
    frontEnd.push({
      offset,
      length,
      opcodeOffset: pairedAt ?? 1,
      fusedUops: 1,
      slots: 1,
      isMicrocoded: false,
      isComplex: false,
      hasLengthChangingPrefix: false,
      extraCacheEntries: 0,
      pairedAt,
    });
  };
  const jumpBytes = blockBytes + 5 <= 128 ? 2 : 6;
  const branch = 1 << spec.backEnd.branchPort;
  if (!spec.renamer.macroFusion || (blockBytes + 3) % 64 === 0) {
    add(simplePorts(spec), [COUNTER], [COUNTER, FLAG_OTHER], [blockBytes, 3, null]);
    add(branch, [FLAG_OTHER], [], [blockBytes + 3, jumpBytes, null]);
  } else add(branch, [COUNTER], [COUNTER, FLAG_OTHER], [blockBytes, 3 + jumpBytes, 3]);
  return { ...program, uops, instructionOf, firstOf, slotStart, frontEnd };
}
