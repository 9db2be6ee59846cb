import type { Choice } from './lower/choose.ts';
import { timed } from './lower/choose.ts';
import type { Transfer } from './lower/communicate.ts';
import type { GpuSpec } from './spec.ts';
import type { SmCache } from './units/chip.ts';

/** What a transfer takes away from kernels that run at the same time. */
export interface Load {
  readonly sms: number;
  readonly memoryGBps: number;
}

/**
 * Every channel of a transfer is a thread block that stays as long as the transfer does (NCCL's documentation of
 * NCCL_MAX_NCHANNELS); it is taken to fill an SM.
 */
export function loadOf({ channels, seconds, memoryReadBytes, memoryWriteBytes }: Transfer): Load {
  const memoryGBps = seconds === 0 ? 0 : (memoryReadBytes + memoryWriteBytes) / seconds / 1e9;
  return { sms: channels, memoryGBps: Math.round(memoryGBps) };
}

/** The machine as kernels find it beside a transfer; memory serves both alike: kernels keep at least half of it. */
function beside(spec: GpuSpec, load: Load): GpuSpec {
  const { bandwidthGBps } = spec.memory;
  return {
    ...spec,
    sms: Math.max(1, spec.sms - load.sms),
    memory: { ...spec.memory, bandwidthGBps: Math.max(bandwidthGBps - load.memoryGBps, bandwidthGBps / 2) },
  };
}

/** How many times as long a call of `cycles` takes beside a transfer, at least 1. Its kernels were chosen without it. */
export function slowdown(
  spec: GpuSpec,
  choice: Choice,
  cycles: number,
  load: Load,
  cache: SmCache,
  unfolded: boolean,
): number {
  const kernels = choice.kernels.map(({ kernel }) => kernel);
  const free = choice.kernels.reduce((sum, { timing }) => sum + timing.cycles, 0);
  const shared = timed(beside(spec, load), kernels, cache, unfolded).kernels;
  const extra = shared.reduce((sum, { timing }) => sum + timing.cycles, 0) - free;
  return Math.max(1, 1 + extra / cycles);
}

/** Cycles [startCycle, endCycle) in which work takes `factor` times as long. */
export interface SlowSpan {
  readonly startCycle: number;
  readonly endCycle: number;
  readonly factor: number;
}

/** Cycle at which `work` cycles begun at `start` end; spans are in order and do not overlap. */
export function endAmong(start: number, work: number, spans: Iterable<SlowSpan>): number {
  let cycle = start;
  let left = work;
  for (const { startCycle, endCycle, factor } of spans) {
    if (endCycle <= cycle) continue;
    const before = Math.min(left, Math.max(0, startCycle - cycle));
    cycle += before;
    left -= before;
    const within = Math.min(left, (endCycle - cycle) / factor);
    cycle += within * factor;
    left -= within;
    if (left === 0) break;
  }
  return Math.ceil(cycle + left);
}
