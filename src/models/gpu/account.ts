import type { StallCause } from '../../events/events.ts';
import type { KernelTiming, SmCache } from './units/chip.ts';
import { kernelTiming } from './units/chip.ts';
import type { Choice } from './lower/choose.ts';
import type { Kernel } from './kernel.ts';
import type { GpuSpec } from './spec.ts';

/** What the cycles of a call went to; they add up to `cycles`. All are whole. */
export interface Account {
  readonly cycles: number;
  readonly busyCycles: number;
  readonly stallCycles: Readonly<Partial<Record<StallCause, number>>>;
  /** MACs of the op that nothing multiplies, as a transform (Winograd, Fourier) does without them. */
  readonly savedMacs: number;
}

/** Unlimited in practice, and small enough for sums. */
const FAST = 1e9;

/** The machine with memories that answer as L2 does and never run out of bandwidth. */
export function withoutMemoryLimits(spec: GpuSpec): GpuSpec {
  return {
    ...spec,
    l2: { ...spec.l2, bytesPerCycle: FAST },
    memory: {
      ...spec.memory,
      bandwidthGBps: FAST,
      latencyCycles: spec.l2.latencyCycles,
      streamShare: 1,
      stridedShare: 1,
      sectorShare: 1,
    },
  };
}

/** Iterations after which every further one takes as long as the one before. */
const SETTLED = 2;

/** Cycles of a kernel; long main loops go on as they have begun, so that kernels of different depth share their simulations. */
function extrapolatedCycles(spec: GpuSpec, kernel: Kernel, cache: SmCache, unfolded: boolean): number {
  const cyclesOf = (iterations: number): number =>
    kernelTiming(spec, { ...kernel, iterations }, cache, unfolded).cycles;
  if (kernel.iterations <= 2 * SETTLED) return cyclesOf(kernel.iterations);
  const [short, long] = [cyclesOf(SETTLED), cyclesOf(2 * SETTLED)];
  return long + ((long - short) / SETTLED) * (kernel.iterations - 2 * SETTLED);
}

/**
 * Charges the time of a call to causes. Busy are the cycles in which all math pipes multiply what is useful at full rate, which for a
 * transformed convolution is less than the MACs of the op (what its product pads counts as useful, up to these); then come
 * launches, tails and padded tiles as they are known, and waiting for memory, which is the difference to a run without its limits. What
 * remains passes inside the SMs: `issue` where products are computed, `vector` where nothing is multiplied.
 */
export function accountOf(
  spec: GpuSpec,
  choice: Choice,
  work: { readonly macs: number; readonly macsPerCycle: number },
  cache: SmCache,
  unfolded: boolean,
): Account {
  const unlimited = withoutMemoryLimits(spec);
  const sum = (of: (timing: KernelTiming) => number): number =>
    choice.kernels.reduce((total, { timing }) => total + of(timing), 0);
  const kernelCycles = sum(({ cycles }) => cycles);
  const freeCycles = choice.kernels.reduce(
    (total, { kernel }) => total + extrapolatedCycles(unlimited, kernel, cache, unfolded),
    0,
  );
  const macsDone = choice.kernels.reduce((total, { kernel }) => total + kernel.macsDone, 0);
  const usefulMacs = Math.min(work.macs, macsDone);
  const busyCycles = Math.ceil(usefulMacs / work.macsPerCycle);
  const launchCycles = Math.round(choice.seconds * spec.clockMHz * 1e6 - kernelCycles);
  const cycles = Math.ceil(kernelCycles) + launchCycles;
  const stallCycles: Partial<Record<StallCause, number>> = { launch: launchCycles };
  let rest = cycles - busyCycles - launchCycles;
  const charge = (cause: StallCause, wanted: number): void => {
    const charged = Math.max(0, Math.min(rest, Math.round(wanted)));
    if (charged > 0) stallCycles[cause] = charged;
    rest -= charged;
  };
  charge('operand-stall', kernelCycles - freeCycles);
  if (work.macs > 0) charge('padding', (macsDone - usefulMacs) / work.macsPerCycle);
  charge(
    'tail',
    sum(({ tailCycles }) => tailCycles),
  );
  charge(work.macs > 0 ? 'issue' : 'vector', rest);
  return { cycles, busyCycles, stallCycles, savedMacs: work.macs - usefulMacs };
}
