import { type Run, simulate } from './core/simulate.ts';
import { decodeBlock } from './decode.ts';
import { type Forwarding, forwardingOf } from './forwarding.ts';
import { type FrontEnd, fullQueue, legacyFrontEnd, type OnPredecode } from './front-end.ts';
import { loopFrontEnd } from './loop.ts';
import { loopStream } from './loop-stream.ts';
import { buildProgram, closeLoop, type Program } from './program.ts';
import type { RecipeTable } from './recipes.ts';
import type { X86Spec } from './spec.ts';
import { type Tables, tablesOf } from './tables.ts';

export type Mode = 'unrolled' | 'loop';

/** A core ready to predict blocks. */
export interface Core {
  readonly spec: X86Spec;
  readonly table: RecipeTable;
}

export interface Prediction {
  readonly cyclesPerIteration: number;
  /** Micro-ops that each port executes per iteration. */
  readonly portUops: readonly number[];
}

/** Iterations after which throughput is taken, and cycles beyond which a run ends whatever happens. */
const SHORTEST_ITERATIONS = 48;
const SHORTEST_SLOTS = 500;
export const LONGEST_CYCLES = 200_000;

/** Iterations simulated: half to warm up, half to measure; in unrolled code whole periods of the 16-byte windows. */
function iterationsFor(slots: number, mode: Mode): number {
  const period = mode === 'loop' ? 1 : 16;
  return 2 * period * Math.ceil(Math.max(SHORTEST_ITERATIONS, SHORTEST_SLOTS / slots) / period);
}

/** Instructions of a block as a program of the core: in loop mode with the `dec r15; jnz` that closes it. */
function programOf(bytes: Uint8Array, mode: Mode, { spec, table }: Core): Program {
  const program = buildProgram(decodeBlock(bytes), table, spec);
  return mode === 'loop' ? closeLoop(program, bytes.length, spec) : program;
}

/** A block with all that its simulation needs. */
export interface Prepared {
  readonly program: Program;
  readonly tables: Tables;
  readonly forwarding: Forwarding | null;
  readonly iterations: number;
  readonly frontEnd: (onPredecode: OnPredecode | null) => FrontEnd;
}

/** Throws InputError for bytes that are no block. */
export function prepare(bytes: Uint8Array, mode: Mode, core: Core): Prepared {
  const { spec } = core;
  const program = programOf(bytes, mode, core);
  const slots = program.slotStart.length - 1;
  const iterations = iterationsFor(slots, mode);
  // The front of the pipeline runs ahead of retirement by at most the reorder buffer.
  const ahead = Math.ceil(spec.backEnd.reorderBuffer / slots) + 1;
  return {
    program,
    tables: tablesOf(program, spec),
    forwarding: spec.memory.forwarding ? forwardingOf(program.instructions, iterations + ahead) : null,
    iterations,
    frontEnd: (onPredecode) => {
      if (!spec.frontEnd.isModelled) return fullQueue;
      return mode === 'loop'
        ? (loopStream(slots, spec) ?? loopFrontEnd(program.frontEnd, spec.frontEnd, onPredecode))
        : legacyFrontEnd(program.frontEnd, bytes.length, spec.frontEnd, onPredecode);
    },
  };
}

/** Simulates a prepared block; `unfolded` every iteration, with the same result. */
export function run({ tables, forwarding, iterations, frontEnd }: Prepared, { spec }: Core, unfolded: boolean): Run {
  const options = { iterations, maxCycles: LONGEST_CYCLES, unfolded, recorded: null };
  return simulate(tables, frontEnd(null), spec, forwarding, options);
}

/** Cycles per iteration of a prepared block: over a period where the state recurs, else over the later half of the run. */
export function predict(block: Prepared, core: Core): Prediction {
  const { retired, portUops, period } = run(block, core, false);
  const half = retired.length >> 1;
  const cyclesPerIteration =
    period === null ? (retired[2 * half - 1]! - retired[half - 1]!) / half : period.cycles / period.iterations;
  return { cyclesPerIteration, portUops };
}
