import { type Instruction, MATH, PIPES, SHARED } from '../program.ts';
import type { GpuSpec } from '../spec.ts';
import type { Wave } from './chip.ts';
import { Sm } from './sm.ts';

/**
 * Cycles below which a wave cannot stay, from its program: no pipe does its work in less, and no warp gets through
 * sooner than it would alone on the SM.
 */
export function waveBound(spec: GpuSpec, { kernel, blocksOnBusiestSm, rates }: Wave): number {
  const { subCores, sharedQueueCycles } = spec.sm;
  const program = kernel.program(rates);
  const { prologue, body, epilogue } = program;
  const warps = kernel.warpsPerBlock * blocksOnBusiestSm;
  const alone = new Sm({
    program,
    warpsPerBlock: 1,
    blocks: 1,
    subCores,
    queueCycles: sharedQueueCycles,
    iterations: kernel.iterations,
  }).finish();
  let bound = alone.cycles;
  const work = (instructions: readonly Instruction[], pipe: number): number =>
    instructions.reduce((sum, one) => sum + (one.pipe === pipe ? one.occupiesCycles : 0), 0);
  for (let pipe = 0; pipe < PIPES.length; pipe++) {
    const perWarp = work(prologue, pipe) + kernel.iterations * work(body, pipe) + work(epilogue, pipe);
    const sharing = pipe >= SHARED ? warps : Math.ceil(warps / subCores);
    bound = Math.max(bound, sharing * perWarp - longest(program, pipe));
  }
  const math = Math.ceil(warps / subCores) * kernel.iterations * work(body, MATH);
  if (math > 0) bound = Math.max(bound, alone.loopStartCycle + math);
  return bound;
}

/** The last instruction's result may be there before its pipe is free again. */
function longest({ prologue, body, epilogue }: Wave['kernel'] extends never ? never : ReturnType<Wave['kernel']['program']>, pipe: number): number {
  return [...prologue, ...body, ...epilogue].reduce(
    (most, one) => (one.pipe === pipe ? Math.max(most, one.occupiesCycles - one.latencyCycles) : most),
    0,
  );
}
