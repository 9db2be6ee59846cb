import type { X86Spec } from './spec.ts';
import type { FrontEndFacts } from './program.ts';

/** Told of the instructions that leave the predecoder in a cycle: the number of the first, counted over all iterations. */
export type OnPredecode = (first: number, count: number) => void;

/** Delivers issue slots to the queue before the renamer, in program order. */
export interface FrontEnd {
  /** One cycle; `free` places are left in the queue. Issue slots delivered. */
  readonly step: (free: number) => number;
  /** Numbers that say all about its state, written from `at`; the next free index. */
  readonly save: (into: Int32Array, at: number) => number;
}

/** What the predecoder hands over in one cycle: the instruction count, over a period of the unrolled code. */
export function predecodeSchedule(
  facts: readonly FrontEndFacts[],
  blockBytes: number,
  copies: number,
  spec: X86Spec['frontEnd'],
): Int32Array {
  const start0 = facts[0]!.offset;
  const end0 = facts.at(-1)!.offset + facts.at(-1)!.length;
  const windows = copies === 1 ? Math.ceil(end0 / 16) : (copies * blockBytes) / 16;
  const ends = new Int32Array(windows + 1);
  const splits = new Int32Array(windows + 1);
  const prefixes = new Int32Array(windows + 1);
  for (let copy = 0; copy < copies; copy += 1) {
    for (const one of facts) {
      const start = copy * blockBytes + one.offset;
      const last = Math.floor((start + one.length - 1) / 16);
      ends[last]! += 1;
      if (one.pairedAt !== null) splits[Math.floor((start + one.pairedAt - 1) / 16)]! += 1;
      if (one.hasLengthChangingPrefix) prefixes[last]! += 1;
      const opcode = Math.floor((start + one.opcodeOffset) / 16);
      if (opcode !== last) splits[opcode]! += 1;
    }
  }
  const schedule: number[] = [];
  for (let window = Math.floor(start0 / 16); window < windows; window += 1) {
    const cycles = Math.max(1, Math.ceil((ends[window]! + splits[window]!) / spec.predecodeInstructions));
    for (let stall = 0; stall < prefixes[window]! * spec.lengthChangingPrefixCycles; stall += 1) schedule.push(0);
    let left = ends[window]!;
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      const now = Math.min(left, spec.predecodeInstructions);
      schedule.push(now);
      left -= now;
    }
  }
  return Int32Array.from(schedule);
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The legacy path: predecoder, instruction queue, decoders, micro-sequencer. */
export function legacyFrontEnd(
  facts: readonly FrontEndFacts[],
  blockBytes: number,
  spec: X86Spec['frontEnd'],
  onPredecode: OnPredecode | null,
): FrontEnd {
  const copies = 16 / gcd(blockBytes, 16);
  const schedule = predecodeSchedule(facts, blockBytes, copies, spec);
  const decode = decoders(facts, spec);
  let at = 0;
  let queued = 0;
  let predecoded = 0;
  return {
    step(free) {
      const { slots, instructions } = decode.step(queued, free);
      queued -= instructions;
      const next = schedule[at]!;
      if (queued + next <= spec.instructionQueue) {
        onPredecode?.(predecoded, next);
        predecoded += next;
        queued += next;
        at = at + 1 === schedule.length ? 0 : at + 1;
      }
      return slots;
    },
    save(into, start) {
      into[start] = at;
      into[start + 1] = queued;
      return decode.save(into, start + 2);
    },
  };
}

export interface Decoders {
  readonly step: (queued: number, free: number) => { readonly slots: number; readonly instructions: number };
  readonly save: (into: Int32Array, at: number) => number;
  readonly isBusy: () => boolean;
}

export function decoders(facts: readonly FrontEndFacts[], spec: X86Spec['frontEnd']): Decoders {
  const count = facts.length;
  const result = { slots: 0, instructions: 0 };
  let next = 0;
  let sequencerSlots = 0;
  let stall = 0;
  return {
    step(queued, free) {
      result.slots = 0;
      result.instructions = 0;
      if (stall > 0) {
        stall -= 1;
        return result;
      }
      if (sequencerSlots > 0) {
        const now = Math.min(sequencerSlots, 4, free);
        sequencerSlots -= now;
        if (sequencerSlots === 0) stall = spec.sequencerSwitchCycles;
        result.slots = now;
        return result;
      }
      let simple = spec.decoders - 1;
      for (let decoder = 0; decoder < spec.decoders; decoder += 1) {
        if (result.instructions === queued) break;
        const one = facts[next]!;
        const { isComplex } = one;
        if (isComplex && decoder > 0) break;
        if (decoder > 0) {
          if (simple === 0) break;
          simple -= 1;
        }
        if (one.isMicrocoded) {
          sequencerSlots = one.slots;
          stall = spec.sequencerSwitchCycles;
          next = next + 1 === count ? 0 : next + 1;
          result.instructions += 1;
          break;
        }
        if (result.slots + one.slots > free) break;
        if (isComplex) simple = Math.min(simple, Math.max(0, spec.decodeUops - one.fusedUops));
        result.slots += one.slots;
        result.instructions += 1;
        next = next + 1 === count ? 0 : next + 1;
      }
      return result;
    },
    isBusy: () => sequencerSlots > 0 || stall > 0,
    save(into, at) {
      into[at] = next;
      into[at + 1] = sequencerSlots;
      into[at + 2] = stall;
      return at + 3;
    },
  };
}
