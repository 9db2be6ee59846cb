import { type Instruction, PIPES, SHARED, type WarpProgram } from '../program.ts';
import type { GpuSpec } from '../spec.ts';
import { playedOnce, type SmCache, type Wave } from './chip.ts';

/**
 * Cycles below which a wave cannot stay, from its program: no warp gets through sooner than it would alone on an SM, no
 * pipe does its work in less time than it is occupied, and no sub-core issues two instructions in a cycle.
 */
export function waveBound(spec: GpuSpec, wave: Wave, cache: SmCache, unfolded = false): number {
  const { warpsPerBlock, iterations } = wave.kernel;
  const program = wave.kernel.program(wave.rates);
  const alone = playedOnce(spec, wave, { warpsPerBlock: 1, blocks: 1 }, cache, unfolded);
  const warps = warpsPerBlock * wave.blocksOnBusiestSm;
  const warpsOfSubCore = Math.ceil(warps / spec.sm.subCores);
  const instructions = program.prologue.length + iterations * program.body.length + program.epilogue.length;
  let bound = Math.max(alone.cycles, warpsOfSubCore * instructions);
  for (let pipe = 0; pipe < PIPES.length; pipe++) {
    const first = occupiedCycles(program.prologue, pipe);
    const perWarp = first + iterations * occupiedCycles(program.body, pipe) + occupiedCycles(program.epilogue, pipe);
    // What the prologue does not use stands idle until a warp has come through it.
    const idle = first > 0 ? 0 : alone.loopStartCycle;
    const users = pipe >= SHARED ? warps : warpsOfSubCore;
    if (perWarp > 0) bound = Math.max(bound, idle + users * perWarp - longestRest(program, pipe));
  }
  return bound;
}

function occupiedCycles(instructions: readonly Instruction[], pipe: number): number {
  let cycles = 0;
  for (const one of instructions) if (one.pipe === pipe) cycles += one.occupiesCycles;
  return cycles;
}

/** Cycles for which a pipe may still be occupied when the result of its last instruction is there. */
function longestRest({ prologue, body, epilogue }: WarpProgram, pipe: number): number {
  let longest = 0;
  for (const instructions of [prologue, body, epilogue])
    for (const { pipe: used, occupiesCycles, latencyCycles } of instructions)
      if (used === pipe) longest = Math.max(longest, occupiesCycles - latencyCycles);
  return longest;
}
