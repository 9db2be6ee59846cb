import { InputError } from '../../../errors.ts';
import type { Kernel, Rates } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { ALU, MATH, type WarpProgram } from '../program.ts';
import { blocksPerSm } from './occupancy.ts';
import { Sm, type SmResult } from './sm.ts';

/** What came of a kernel. Cycles are of the SM clock; launch is not part of it. */
export interface KernelTiming {
  readonly cycles: number;
  /** Of the cycles, those in which SMs stand idle because blocks do not divide evenly among them. */
  readonly tailCycles: number;
  readonly residentBlocks: number;
  readonly offChipReadBytes: number;
  readonly offChipWriteBytes: number;
}

/** Results of SMs, kept: the same program under the same rates takes the same time. */
export type SmCache = Map<string, SmResult>;

/** Places a kernel's blocks on the SMs, wave by wave; `unfolded` plays every iteration. Throws InputError if not even one block fits on an SM. */
export function kernelTiming(spec: GpuSpec, kernel: Kernel, cache: SmCache, unfolded = false): KernelTiming {
  const perSm = blocksPerSm(spec, kernel);
  if (perSm === 0)
    throw InputError.of('sm', `no room for a block of ${kernel.name}`, 'give the SM more registers or shared memory');
  const capacity = perSm * spec.sms;
  const fullWaves = Math.floor(kernel.blocks / capacity);
  const rest = kernel.blocks - fullWaves * capacity;
  const resident = Math.min(kernel.blocks, capacity);
  const offChipBytes = Math.min(kernel.loadBytes, kernel.offChipLoadBytes(resident));
  const missShare = kernel.loadBytes === 0 ? 0 : offChipBytes / kernel.loadBytes;
  const wave = (blocks: number): number => {
    const onBusiest = Math.ceil(blocks / spec.sms);
    const rates = ratesOf(spec, kernel, missShare, onBusiest / blocks);
    return smResult(spec, kernel, rates, onBusiest, cache, unfolded).cycles;
  };
  const restCycles = rest > 0 ? wave(rest) : 0;
  return {
    cycles: (fullWaves > 0 ? fullWaves * wave(capacity) : 0) + restCycles,
    tailCycles: rest > 0 ? restCycles * (1 - rest / (Math.ceil(rest / spec.sms) * spec.sms)) : 0,
    residentBlocks: resident,
    offChipReadBytes: offChipBytes + kernel.resultReadBytes * kernel.offChipResultShare,
    offChipWriteBytes: kernel.resultWriteBytes * kernel.offChipResultShare,
  };
}

/** Bytes per cycle for the busiest SM, which has `share` of all blocks that run: memories serve blocks alike. */
function ratesOf(spec: GpuSpec, kernel: Kernel, missShare: number, share: number): Rates {
  const { l2, memory, sm } = spec;
  const offChip = ((memory.bandwidthGBps * 1e3) / spec.clockMHz) * memory.streamShare * share;
  const fromL2 = Math.min(sm.globalBytesPerCycle, l2.bytesPerCycle * share);
  const missRate = missShare === 0 ? Number.POSITIVE_INFINITY : (offChip * kernel.patternShare) / missShare;
  const resultRate = kernel.offChipResultShare === 0 ? Number.POSITIVE_INFINITY : offChip / kernel.offChipResultShare;
  return {
    loadBytesPerCycle: rounded(Math.min(fromL2, missRate)),
    loadLatencyCycles: missShare > 0 ? memory.latencyCycles : l2.latencyCycles,
    resultBytesPerCycle: rounded(Math.min(fromL2, resultRate)),
  };
}

/** To about one part in a hundred, so that nearly equal rates share one simulation. */
function rounded(rate: number): number {
  const step = 2 ** (Math.floor(Math.log2(rate)) - 6);
  return Math.round(rate / step) * step;
}

function smResult(
  spec: GpuSpec,
  kernel: Kernel,
  rates: Rates,
  blocks: number,
  cache: SmCache,
  unfolded: boolean,
): SmResult {
  const { loadBytesPerCycle, loadLatencyCycles, resultBytesPerCycle } = rates;
  const key = [
    kernel.programKey,
    kernel.iterations,
    blocks,
    loadBytesPerCycle,
    loadLatencyCycles,
    resultBytesPerCycle,
  ].join();
  const known = cache.get(key);
  if (known !== undefined) return known;
  const result = new Sm({
    program: spec.sm.integersOnMath ? onMath(kernel.program(rates)) : kernel.program(rates),
    warpsPerBlock: kernel.warpsPerBlock,
    blocks,
    subCores: spec.sm.subCores,
    queueCycles: spec.sm.sharedQueueCycles,
    iterations: kernel.iterations,
  }).finish(unfolded);
  cache.set(key, result);
  return result;
}

/** The same program where plain instructions take the math pipe. */
function onMath({ prologue, body, epilogue, slots }: WarpProgram): WarpProgram {
  const moved = (part: WarpProgram['body']): WarpProgram['body'] =>
    part.map((instruction) => (instruction.pipe === ALU ? { ...instruction, pipe: MATH } : instruction));
  return { prologue: moved(prologue), body: moved(body), epilogue: moved(epilogue), slots };
}
