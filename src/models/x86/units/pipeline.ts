import { assemble } from '../assembler.ts';
import type { LoopCode } from '../lower/code.ts';
import { type Core, predict, prepare } from '../predict.ts';

/** What the pipeline makes of a loop whose data lie in the first-level cache. */
export interface LoopTiming {
  /** Of one pass through the body. */
  readonly cycles: number;
  /** Micro-ops of one pass in the unfused domain, the closing jump included. */
  readonly microOps: number;
  readonly loads: number;
  readonly stores: number;
}

export type Pipeline = (code: LoopCode) => LoopTiming;

/** Issue slots that are simulated; kernels are long, and their state recurs after a few iterations. */
const SIMULATED_SLOTS = 1600;
const SHORTEST_ITERATIONS = 12;

/** Timings of loops on a core, each simulated once. Operands are apart: no load meets a store. */
export function pipelineOf(core: Core): Pipeline {
  const apart: Core = { ...core, spec: { ...core.spec, memory: { ...core.spec.memory, forwarding: false } } };
  const known = new Map<string, LoopTiming>();
  return (code) => {
    const found = known.get(code.key);
    if (found !== undefined) return found;
    const prepared = prepare(assemble(code.body()), 'loop', apart);
    const iterations =
      2 * Math.max(SHORTEST_ITERATIONS, Math.ceil(SIMULATED_SLOTS / (2 * prepared.program.slots.length)));
    const { cyclesPerIteration } = predict({ ...prepared, iterations }, apart);
    const count = (kind: string): number => prepared.program.uops.filter((uop) => uop.kind === kind).length;
    const timing = {
      cycles: cyclesPerIteration,
      microOps: prepared.program.uops.length,
      loads: count('load'),
      stores: count('store-data'),
    };
    known.set(code.key, timing);
    return timing;
  };
}
