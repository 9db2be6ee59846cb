import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { blocksPerSm } from '../units/occupancy.ts';
import { waveBound } from '../units/bound.ts';
import { type KernelTiming, kernelTiming, type SmCache, type Wave, waveCycles, wavesOf } from '../units/chip.ts';

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
  return { kernels: results, seconds: cycles / spec.clockMHz / 1e6 + launchSeconds(spec, kernels) };
}

function launchSeconds({ launch }: GpuSpec, kernels: readonly Kernel[]): number {
  const launches = kernels.filter(({ continues }) => continues !== true).length;
  return (launch.firstUs + launch.nextUs * (launches - 1)) / 1e6;
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

/** A way under examination: its waves, each with cycles that it takes or cannot stay below. */
interface Prospect {
  readonly kernels: readonly Kernel[];
  readonly overheadSeconds: number;
  waves: { readonly wave: Wave; readonly cycles: number; readonly played: boolean }[] | null;
  /** What it takes at least; once all waves have been played, what it takes. */
  seconds: number;
}

/**
 * The fastest of several ways, as a library that has been tuned would take it; the first of equals. Best first: the way
 * with the lowest bound is looked at more closely, until one that has been played to the end has the lowest. Throws
 * InputError if none of them fits on an SM.
 */
export function fastest(
  spec: GpuSpec,
  candidates: readonly (readonly Kernel[])[],
  cache: SmCache,
  unfolded = false,
): Choice {
  const fitting = candidates.filter((kernels) => kernels.every((kernel) => blocksPerSm(spec, kernel) > 0));
  // Timing any of them says what is missing.
  if (fitting.length <= 1) return timed(spec, fitting[0] ?? candidates[0]!, cache, unfolded);
  const prospects = fitting.map((kernels): Prospect => {
    const cycles = kernels.reduce((sum, kernel) => sum + boundCycles(spec, kernel), 0);
    const overheadSeconds = launchSeconds(spec, kernels);
    return { kernels, overheadSeconds, waves: null, seconds: cycles / spec.clockMHz / 1e6 + overheadSeconds };
  });
  for (;;) {
    const first = prospects.reduce((best, one) => (one.seconds < best.seconds ? one : best));
    if (first.waves?.every(({ played }) => played)) return timed(spec, first.kernels, cache, unfolded);
    lookCloser(spec, first, cache, unfolded);
  }
}

/** Bounds waves by their programs first, then plays them one by one. */
function lookCloser(spec: GpuSpec, prospect: Prospect, cache: SmCache, unfolded: boolean): void {
  if (prospect.waves === null)
    prospect.waves = prospect.kernels
      .flatMap((kernel) => wavesOf(spec, kernel))
      .map((wave) => ({ wave, cycles: waveBound(spec, wave, cache, unfolded), played: false }));
  else {
    const index = prospect.waves.findIndex(({ played }) => !played);
    const { wave } = prospect.waves[index]!;
    prospect.waves[index] = { wave, cycles: waveCycles(spec, wave, cache, unfolded), played: true };
  }
  const cycles = prospect.waves.reduce((sum, { wave, cycles }) => sum + wave.times * cycles, 0);
  prospect.seconds = Math.max(prospect.seconds, cycles / spec.clockMHz / 1e6 + prospect.overheadSeconds);
}
