import type { Kernel } from '../kernel.ts';
import { ALU } from '../program.ts';
import type { GpuSpec } from '../spec.ts';
import { interleaved } from './interleave.ts';

const THREADS = 32;
/** Offset from the table, address, a bound along rows and one along columns, the predicate of both, the load. */
const INSTRUCTIONS = 6;

/**
 * The same kernel for operands whose every element lies somewhere for itself, as in the implicit matrix of a convolution in NCHW:
 * each is found by an offset from a table and bounds of its own, and loaded by an instruction of its own.
 */
export function gathering(spec: GpuSpec, kernel: Kernel, operandBytes: number): Kernel {
  const stageElements = kernel.loadBytes / kernel.blocks / kernel.iterations / operandBytes;
  const perThread = stageElements / (THREADS * kernel.warpsPerBlock);
  const extra = {
    pipe: ALU,
    count: Math.round(perThread * INSTRUCTIONS),
    occupiesCycles: Math.max(1, THREADS / spec.sm.aluLanes),
  };
  return {
    ...kernel,
    programKey: `gather ${kernel.programKey}`,
    program: (rates) => {
      const program = kernel.program(rates);
      return { ...program, body: interleaved(program.body, extra) };
    },
  };
}
