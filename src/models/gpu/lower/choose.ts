import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { blocksPerSm } from '../units/occupancy.ts';
import { type KernelTiming, kernelTiming, type SmCache } from '../units/chip.ts';

/** A kernel and how long it takes. */
export interface TimedKernel {
  readonly kernel: Kernel;
  readonly timing: KernelTiming;
}

/** Kernels of one call, and the time from its launch to its end. */
export interface Choice {
  readonly kernels: readonly TimedKernel[];
  readonly seconds: number;
}

/** Times a sequence of kernels of one call. */
export function timed(spec: GpuSpec, kernels: readonly Kernel[], cache: SmCache, unfolded = false): Choice {
  const results = kernels.map((kernel) => ({ kernel, timing: kernelTiming(spec, kernel, cache, unfolded) }));
  const cycles = results.reduce((sum, { timing }) => sum + timing.cycles, 0);
  const launchUs = spec.launch.firstUs + spec.launch.nextUs * (kernels.length - 1);
  return { kernels: results, seconds: cycles / spec.clockMHz / 1e6 + launchUs / 1e6 };
}

/**
 * Cycles below which a kernel cannot stay: its busiest SM multiplies at full rate, memory moves all bytes at its best, or every
 * iteration of one wave after the other waits for what it loads.
 */
function boundCycles(spec: GpuSpec, kernel: Kernel): number {
  const perSm = blocksPerSm(spec, kernel);
  const capacity = perSm * spec.sms;
  const fullWaves = Math.floor(kernel.blocks / capacity);
  const onBusiest = fullWaves * perSm + Math.ceil((kernel.blocks - fullWaves * capacity) / spec.sms);
  const resident = Math.min(kernel.blocks, capacity);
  const bytes = kernel.offChipLoadBytes(resident) + kernel.resultWriteBytes * kernel.offChipResultShare;
  return Math.max(
    onBusiest * kernel.mathCyclesPerBlock,
    Math.ceil(onBusiest / perSm) * kernel.iterations * kernel.exposedLoads * spec.l2.latencyCycles,
    (bytes * spec.clockMHz) / (spec.memory.bandwidthGBps * 1e3 * spec.memory.streamShare),
  );
}

/**
 * The fastest of several ways, as a library that has been tuned would take it; the first of equals. Throws InputError if none of them
 * fits on an SM.
 */
export function fastest(
  spec: GpuSpec,
  candidates: readonly (readonly Kernel[])[],
  cache: SmCache,
  unfolded = false,
): Choice {
  const fitting = candidates.filter((kernels) => kernels.every((kernel) => blocksPerSm(spec, kernel) > 0));
  // Timing any of them says what is missing.
  if (fitting.length === 0) return timed(spec, candidates[0]!, cache, unfolded);
  const bounds = fitting.map((kernels) => ({
    kernels,
    boundSeconds:
      kernels.reduce((sum, kernel) => sum + boundCycles(spec, kernel), 0) / spec.clockMHz / 1e6 +
      (spec.launch.firstUs + spec.launch.nextUs * (kernels.length - 1)) / 1e6,
  }));
  bounds.sort((one, other) => one.boundSeconds - other.boundSeconds);
  let best: Choice | null = null;
  for (const { kernels, boundSeconds } of bounds) {
    if (best !== null && boundSeconds >= best.seconds) break;
    const choice = timed(spec, kernels, cache, unfolded);
    if (best === null || choice.seconds < best.seconds) best = choice;
  }
  return best!;
}
