import { assemble } from '../assembler.ts';
import type { LoopCode } from '../lower/code.ts';
import { type Core, type Mode, predict, prepare } from '../predict.ts';
import type { Program } from '../program.ts';
import type { X86Spec } from '../spec.ts';

/** What the pipeline makes of a loop whose data lie in the first-level cache. */
export interface LoopTiming {
  /** Of one pass through the body. */
  readonly cycles: number;
  /** Micro-ops of one pass in the unfused domain, the closing jump included. */
  readonly microOps: number;
  readonly instructions: number;
  readonly loads: number;
  /** What the loads read, in whole words: a repeated element counts once. */
  readonly loadBytes: number;
  readonly stores: number;
}

export type Pipeline = (code: LoopCode) => LoopTiming;

/** Issue slots that are simulated; kernels are long, and their state recurs after a few iterations. */
const SIMULATED_SLOTS = 1600;
const SHORTEST_ITERATIONS = 12;
/** Iterations after which code without jumps lies in the same places of the predecoder's 16-byte windows again. */
const FETCH_BYTES = 16;
/** Code that a line of the micro-op cache holds the micro-ops of, and the least that a load reads of the first level. */
const WINDOW_BYTES = 32;
const WORD_BYTES = 8;

/** Timings of loops on a core, each simulated once. Operands are apart: no load meets a store. */
export function pipelineOf(core: Core): Pipeline {
  const apart: Core = { ...core, spec: { ...core.spec, memory: { ...core.spec.memory, forwarding: false } } };
  const known = new Map<string, LoopTiming>();
  return (code) => {
    const found = known.get(code.key);
    if (found !== undefined) return found;
    const bytes = assemble(code.body());
    const mode: Mode = staysInCache(bytes.length * (code.writtenOut ?? 1), core.spec) ? 'loop' : 'unrolled';
    const prepared = prepare(bytes, mode, apart);
    const period = mode === 'loop' ? 1 : FETCH_BYTES;
    const least = Math.max(SHORTEST_ITERATIONS, SIMULATED_SLOTS / (2 * prepared.tables.slots));
    const iterations = 2 * period * Math.ceil(least / period);
    const { cyclesPerIteration } = predict({ ...prepared, iterations }, apart);
    const count = (kind: string): number => prepared.program.uops.filter((uop) => uop.kind === kind).length;
    const timing = {
      cycles: cyclesPerIteration,
      microOps: prepared.program.uops.length,
      instructions: prepared.program.instructions.length,
      loads: count('load'),
      loadBytes: loadBytes(prepared.program),
      stores: count('store-data'),
    };
    known.set(code.key, timing);
    return timing;
  };
}

/** Code beyond the micro-op cache is decoded anew each time; long instructions fill a line per window. */
function staysInCache(codeBytes: number, { frontEnd }: X86Spec): boolean {
  return codeBytes <= frontEnd.cacheLines * WINDOW_BYTES;
}

function loadBytes({ uops }: Program): number {
  return uops
    .filter(({ kind }) => kind === 'load')
    .reduce((sum, { sizeBytes }) => sum + Math.max(WORD_BYTES, sizeBytes), 0);
}
