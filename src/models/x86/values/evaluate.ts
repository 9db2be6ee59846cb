import { isZeroIdiom } from '../idioms.ts';
import { type Instruction, type MemoryOperand, UNIT } from '../instruction.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { CONDITIONAL } from './conditions.ts';
import type { Effect } from './effect.ts';
import { PRODUCTS } from './products.ts';
import { SHIFTS } from './shifts.ts';
import { addressSlice } from './slice.ts';
import { snapshotOf } from './snapshot.ts';
import { areEqual, type Strides, stridesOf } from './strides.ts';
import {
  forget,
  type CoreState,
  coreState,
  moveRegister,
  pointAt,
  readMemory,
  readOperand,
  restart,
  setAddress,
  value,
  writeMemory,
  WORDS,
  writeOperand,
} from './state.ts';
import { VECTORS } from './vectors.ts';
import { add64, out } from './words.ts';

/** One access of an iteration. */
export interface Access {
  readonly instruction: number;
  readonly isStore: boolean;
  readonly sizeBytes: number;
}

/** How the addresses of an iteration and all later ones change from one to the next: each in its way, all alike, not at all. */
export type Motion = 'apart' | 'together' | 'still';

/** Follows addresses through a block's arithmetic, iteration by iteration. One at a time: they share a machine. */
export interface Evaluator {
  /** Runs the next iteration; afterwards `low`/`high` hold the address of every access, `known` whether it is known. */
  readonly step: () => void;
  readonly motion: () => Motion;
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly known: Uint8Array;
}

const EFFECTS: ReadonlyMap<string, Effect> = new Map([
  ...ARITHMETIC,
  ...CONDITIONAL,
  ...PRODUCTS,
  ...SHIFTS,
  ...VECTORS,
]);
const STACK_BYTES = 8;
const on: CoreState = coreState();
const scratch = value();
const zero = value();
zero.known.fill(1);

function clear(on: CoreState, one: Instruction): void {
  const { flags } = on;
  writeOperand(on, one, 0, zero);
  if (one.operands[0]!.kind !== 'r') return;
  flags.zero = true;
  flags.carry = flags.sign = flags.overflow = false;
}

function effectOf(one: Instruction): Effect {
  if (isZeroIdiom(one)) return clear;
  const effect = one.mask === null ? EFFECTS.get(one.mnemonic) : undefined;
  if (effect !== undefined) return effect;
  return one.writes.length === 0 && one.memory?.writes !== true ? () => undefined : forget;
}

/** The memory accesses of an iteration in order. */
export function accessesOf(instructions: readonly Instruction[]): Access[] {
  const accesses: Access[] = [];
  instructions.forEach(({ mnemonic, memory, isStack, sizeBytes }, instruction) => {
    if (mnemonic === 'lea' || mnemonic === 'nop') return;
    const bytes = isStack && (memory === null || mnemonic === 'push') ? STACK_BYTES : sizeBytes;
    if (memory?.reads === true || mnemonic === 'pop' || mnemonic === 'leave')
      accesses.push({ instruction, isStore: false, sizeBytes: bytes });
    if (memory?.writes === true || mnemonic === 'push') accesses.push({ instruction, isStore: true, sizeBytes: bytes });
  });
  return accesses;
}

/** An instruction that has a memory access or that addresses depend on. */
interface Step {
  readonly one: Instruction;
  /** Its memory operand; rip-relative ones from the start of the block. */
  readonly memory: MemoryOperand | null;
  /** null: no address depends on it. */
  readonly effect: Effect | null;
  readonly loads: boolean;
  readonly stores: boolean;
}

function movedBy(memory: MemoryOperand, bytes: number): MemoryOperand {
  add64(memory.low, memory.high, bytes, 0);
  return { ...memory, low: out.low, high: out.high };
}

function stepsOf(instructions: readonly Instruction[]): Step[] {
  const isNeeded = addressSlice(instructions);
  let end = 0;
  return instructions.flatMap((one, index): Step[] => {
    const { mnemonic, memory } = one;
    const offset = end;
    end += one.length;
    if (mnemonic === 'nop') return [];
    const hasAccess = memory !== null && mnemonic !== 'lea';
    return hasAccess || isNeeded[index]
      ? [
          {
            one,
            memory: memory?.isRip === true ? movedBy(memory, offset) : memory,
            effect: isNeeded[index] ? effectOf(one) : null,
            loads: hasAccess && memory.reads,
            stores: hasAccess && memory.writes,
          },
        ]
      : [];
  });
}

/**
 * Values of registers and memory, where every page touched is the same physical page. Integer arithmetic and moves between
 * registers of all kinds are followed; what is not becomes unknown.
 */
export function evaluator(instructions: readonly Instruction[], accesses: readonly Access[]): Evaluator {
  const steps = stepsOf(instructions);
  const low = new Int32Array(accesses.length);
  const high = new Int32Array(accesses.length);
  const known = new Uint8Array(accesses.length);
  let access = 0;
  restart(on);

  function note(): void {
    low[access] = on.address.low;
    high[access] = on.address.high;
    known[access] = on.address.isKnown ? 1 : 0;
    access += 1;
  }
  function push(one: Instruction): void {
    if (one.memory !== null) note();
    readOperand(on, one, 0, scratch);
    moveRegister(on, UNIT.stackPointer, -STACK_BYTES);
    pointAt(on, UNIT.stackPointer);
    note();
    writeMemory(on, STACK_BYTES, scratch);
  }
  function pop(one: Instruction, memory: MemoryOperand | null): void {
    pointAt(on, UNIT.stackPointer);
    note();
    readMemory(on, STACK_BYTES, scratch);
    moveRegister(on, UNIT.stackPointer, STACK_BYTES);
    if (memory === null) writeOperand(on, one, 0, scratch);
    else {
      setAddress(on, memory);
      note();
      writeMemory(on, STACK_BYTES, scratch);
    }
  }
  function leave(): void {
    const { registers } = on;
    pointAt(on, UNIT.framePointer);
    note();
    readMemory(on, STACK_BYTES, scratch);
    const [from, to] = [UNIT.framePointer * WORDS, UNIT.stackPointer * WORDS];
    for (const part of [registers.words, registers.known]) part.copyWithin(to, from, from + 2);
    moveRegister(on, UNIT.stackPointer, STACK_BYTES);
    for (let word = 0; word < 2; word += 1) {
      registers.words[from + word] = scratch.words[word]!;
      registers.known[from + word] = scratch.known[word]!;
    }
  }

  const strides = stridesOf(instructions, accesses);
  const snapshot =
    strides === null
      ? snapshotOf(
          on,
          steps.map(({ one }) => one),
        )
      : null;
  let motion: Motion = 'apart';
  if (strides !== null && areEqual(strides))
    motion = strides.low[0] === 0 && strides.high[0] === 0 ? 'still' : 'together';
  let iterations = 0;

  function follow({ low: byLow, high: byHigh }: Strides): void {
    for (let index = 0; index < low.length; index += 1) {
      add64(low[index]!, high[index]!, byLow[index]!, byHigh[index]!);
      low[index] = out.low;
      high[index] = out.high;
    }
  }

  return {
    low,
    high,
    known,
    motion: () => motion,
    step(): void {
      iterations += 1;
      if (motion === 'still' && iterations > 1) return;
      if (strides !== null && iterations > 1) return follow(strides);
      // Looking takes as long as a few steps: it is done ever more rarely.
      const look = (iterations & (iterations - 1)) === 0 ? snapshot : null;
      look?.take();
      evaluate();
      if (look?.isCurrent() === true) motion = 'still';
    },
  };

  function evaluate(): void {
    access = 0;
    for (let index = 0; index < steps.length; index += 1) {
      const { one, memory, effect, loads, stores } = steps[index]!;
      if (memory !== null) setAddress(on, memory);
      if (one.mnemonic === 'push') push(one);
      else if (one.mnemonic === 'pop') pop(one, memory);
      else if (one.mnemonic === 'leave') leave();
      else {
        if (loads) note();
        if (stores) note();
        effect?.(on, one);
      }
    }
  }
}
