import { InputError } from '../../../errors.ts';
import type { Kernel, Rates } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { ALU, MATH, programText, type WarpProgram } from '../program.ts';
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

/** Blocks that run at the same time, and how often such a set runs. */
export interface Wave {
  readonly kernel: Kernel;
  readonly times: number;
  readonly blocks: number;
  readonly blocksOnBusiestSm: number;
  readonly rates: Rates;
}

/** The waves in which a kernel's blocks run: full ones, and what remains. Throws InputError if not even one block fits on an SM. */
export function wavesOf(spec: GpuSpec, kernel: Kernel): Wave[] {
  const perSm = blocksPerSm(spec, kernel);
  if (perSm === 0)
    throw InputError.of('sm', `no room for a block of ${kernel.name}`, 'give the SM more registers or shared memory');
  const capacity = perSm * spec.sms;
  const full = Math.floor(kernel.blocks / capacity);
  const missShare = kernel.loadBytes === 0 ? 0 : offChipLoadBytes(kernel, capacity) / kernel.loadBytes;
  const wave = (times: number, blocks: number): Wave => {
    const blocksOnBusiestSm = Math.ceil(blocks / spec.sms);
    const rates = ratesOf(spec, kernel, missShare, blocksOnBusiestSm / blocks);
    return { kernel, times, blocks, blocksOnBusiestSm, rates };
  };
  const rest = kernel.blocks - full * capacity;
  return [...(full > 0 ? [wave(full, capacity)] : []), ...(rest > 0 ? [wave(1, rest)] : [])];
}

function offChipLoadBytes(kernel: Kernel, capacity: number): number {
  return Math.min(kernel.loadBytes, kernel.offChipLoadBytes(Math.min(kernel.blocks, capacity)));
}

/** Places a kernel's blocks on the SMs, wave by wave; `unfolded` plays every iteration. Throws InputError as `wavesOf` does. */
export function kernelTiming(spec: GpuSpec, kernel: Kernel, cache: SmCache, unfolded = false): KernelTiming {
  const waves = wavesOf(spec, kernel);
  const cyclesOf = (wave: Wave): number => waveCycles(spec, wave, cache, unfolded);
  const capacity = blocksPerSm(spec, kernel) * spec.sms;
  return {
    cycles: waves.reduce((sum, wave) => sum + wave.times * cyclesOf(wave), 0),
    tailCycles: waves
      .filter(({ blocks }) => blocks < capacity)
      .reduce((sum, wave) => sum + cyclesOf(wave) * (1 - wave.blocks / (wave.blocksOnBusiestSm * spec.sms)), 0),
    residentBlocks: Math.min(kernel.blocks, capacity),
    offChipReadBytes: offChipLoadBytes(kernel, capacity) + kernel.resultReadBytes * kernel.offChipResultShare,
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

/** Cycles of one wave: those of its busiest SM. */
export function waveCycles(spec: GpuSpec, wave: Wave, cache: SmCache, unfolded = false): number {
  const { warpsPerBlock } = wave.kernel;
  return playedOnce(spec, wave, { warpsPerBlock, blocks: wave.blocksOnBusiestSm }, cache, unfolded).cycles;
}

/**
 * The wave's program on one SM with so many warps. Played once for the same kernel under the same rates, and once for
 * kernels whose warps do the same, as those of a tile and of the same tile on its side.
 */
export function playedOnce(
  spec: GpuSpec,
  { kernel, rates }: Wave,
  { warpsPerBlock, blocks }: { readonly warpsPerBlock: number; readonly blocks: number },
  cache: SmCache,
  unfolded = false,
): SmResult {
  const { loadBytesPerCycle, loadLatencyCycles, resultBytesPerCycle } = rates;
  const { iterations } = kernel;
  const size = [warpsPerBlock, blocks, iterations].join();
  const key = [kernel.programKey, loadBytesPerCycle, loadLatencyCycles, resultBytesPerCycle, size].join();
  const known = cache.get(key);
  if (known !== undefined) return known;
  const program = spec.sm.integersOnMath ? onMath(kernel.program(rates)) : kernel.program(rates);
  const text = `${programText(program)} ${size}`;
  const { subCores, sharedQueueCycles } = spec.sm;
  const run = { program, warpsPerBlock, blocks, subCores, queueCycles: sharedQueueCycles, iterations };
  const result = cache.get(text) ?? new Sm(run).finish(unfolded);
  cache.set(key, result);
  cache.set(text, result);
  return result;
}

/** The same program where plain instructions take the math pipe. */
function onMath({ prologue, body, epilogue, slots }: WarpProgram): WarpProgram {
  const moved = (part: WarpProgram['body']): WarpProgram['body'] =>
    part.map((instruction) => (instruction.pipe === ALU ? { ...instruction, pipe: MATH } : instruction));
  return { prologue: moved(prologue), body: moved(body), epilogue: moved(epilogue), slots };
}
