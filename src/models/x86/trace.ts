import type { FrontEnd } from './front-end.ts';
import type { Recorded } from './core/machine.ts';
import { simulate } from './core/simulate.ts';
import { type Core, LONGEST_CYCLES, type Prepared } from './predict.ts';
import type { Uop } from './micro-ops.ts';

/** When a micro-op passed each stage, in cycles from the start; null: it does not pass it. */
export interface UopTimes {
  readonly iteration: number;
  /** In the block; the number of instructions stands for the `dec r15; jnz` that closes a loop. */
  readonly instruction: number;
  readonly kind: Uop['kind'];
  /** Micro-ops of one slot are issued and retired together: counted over all iterations. */
  readonly slot: number;
  /** Leaves the predecoder; null: it comes from the micro-op cache. */
  readonly predecoded: number | null;
  /** Enters the queue before the renamer. */
  readonly decoded: number;
  /** Renamed and bound to a port. */
  readonly issued: number;
  /** Leaves the scheduler; null: nothing to execute. */
  readonly dispatched: number | null;
  readonly port: number | null;
  /** Its result is there. */
  readonly executed: number;
  readonly retired: number;
}

/**
 * The stages that every micro-op of the first `iterations` passes, in program order. The cycles are those of `predict`; a run
 * without a trace pays nothing for it.
 */
export function traceBlock(block: Prepared, { spec }: Core, iterations: number): UopTimes[] {
  const { program, tables } = block;
  const recorded: Recorded = { ports: [], issued: [], dispatched: [], done: [], retired: [] };
  const { frontEnd, predecoded, delivered } = watched(block);
  simulate(tables, frontEnd, spec, block.forwarding, {
    iterations,
    maxCycles: LONGEST_CYCLES,
    unfolded: true,
    recorded,
  });
  const facts = program.frontEnd.length;
  const times: UopTimes[] = [];
  for (let slot = 0, uop = 0; slot < iterations * tables.slots; slot += 1) {
    const iteration = Math.floor(slot / tables.slots);
    const place = slot % tables.slots;
    for (let index = program.slotStart[place]!; index < program.slotStart[place + 1]!; index += 1) {
      const { kind } = program.uops[index]!;
      const instruction = program.instructionOf[index]!;
      // Where dec and jnz are apart they are two to the predecoder.
      const fact = place === tables.slots - 1 ? facts - 1 : instruction;
      // The run may end before: a block can take more cycles than are simulated.
      if (recorded.retired[uop] === undefined) return times;
      const issued = recorded.issued[uop]!;
      times.push({
        iteration,
        instruction,
        kind,
        slot,
        predecoded: predecoded[iteration * facts + fact] ?? null,
        decoded: delivered[slot]!,
        issued,
        dispatched: recorded.dispatched[uop] ?? null,
        port: recorded.ports[uop] ?? null,
        executed: recorded.done[uop]!,
        retired: recorded.retired[uop]!,
      });
      uop += 1;
    }
  }
  return times;
}

/** A front end that notes when it hands over instructions and issue slots: it steps once a cycle, from cycle 0. */
function watched(block: Prepared): { frontEnd: FrontEnd; predecoded: number[]; delivered: number[] } {
  const predecoded: number[] = [];
  const delivered: number[] = [];
  let cycle = 0;
  const source = block.frontEnd((first, count) => {
    for (let one = first; one < first + count; one += 1) predecoded[one] = cycle;
  });
  const frontEnd: FrontEnd = {
    step(free) {
      const slots = source.step(free);
      for (let slot = 0; slot < slots; slot += 1) delivered.push(cycle);
      cycle += 1;
      return slots;
    },
    save: source.save,
  };
  return { frontEnd, predecoded, delivered };
}
