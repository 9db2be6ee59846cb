import type { Kernel } from '../lower/kernel.ts';
import { addCounts, type CoreCounts, noCounts, runOnCore } from './core.ts';

/**
 * What a core does in a kernel, per PE, with what passes its ports: words on its buses, and those that memories take in. Programs follow
 * each other without a gap; only the last one's results are waited for.
 */
export function runKernel(kernel: Kernel, size: number, unfolded: boolean): Readonly<CoreCounts> {
  if (unfolded) return countKernel(kernel, size, true);
  const before = known.get(kernel);
  if (before !== undefined) return before;
  const counts = countKernel(kernel, size, false);
  known.set(kernel, counts);
  return counts;
}

/** Kernels are made for one size of core, and asked for again in every step. */
const known = new WeakMap<Kernel, Readonly<CoreCounts>>();

function countKernel(kernel: Kernel, size: number, unfolded: boolean): CoreCounts {
  const total = noCounts();
  let drainCycles = 0;
  for (const { program, times } of kernel.parts) {
    const once = runOnCore(program, size, unfolded);
    const { a, b, initial, result } = program.streamWords;
    // A word of stream b goes to all PEs on its bus, one of the others to or from one of them.
    once.writesA += a / size;
    once.writesB += b + program.vectorWords;
    once.busWords += (a + b + initial + (program.skewCycles === 0 ? result : 0)) / size;
    addCounts(total, once, times);
    drainCycles = program.drainCycles;
  }
  total.cycles = total.issueCycles + drainCycles;
  return total;
}

/** Kernels one after the other: the results of the last are waited for. */
export function runKernels(kernels: readonly Kernel[], size: number, unfolded: boolean): Readonly<CoreCounts> {
  const total = noCounts();
  let drainCycles = 0;
  for (const kernel of kernels) {
    const once = runKernel(kernel, size, unfolded);
    addCounts(total, once, 1);
    drainCycles = once.cycles - once.issueCycles;
  }
  total.cycles = total.issueCycles + drainCycles;
  return total;
}
