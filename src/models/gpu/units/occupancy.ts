import type { GpuSpec } from '../spec.ts';
import type { Kernel } from '../kernel.ts';

/** Registers are handed out to warps in units of so many per thread (CUDA occupancy calculator: 256 per warp). */
const REGISTER_UNIT = 8;
export const MAX_REGISTERS_PER_THREAD = 255;

/** Blocks of a kernel that fit on one SM at the same time; 0 if none does. */
export function blocksPerSm(spec: GpuSpec, kernel: Kernel): number {
  const { sm } = spec;
  const threads = 32 * kernel.warpsPerBlock;
  const registers = Math.ceil(kernel.registersPerThread / REGISTER_UNIT) * REGISTER_UNIT * threads;
  const bySharedMemory =
    kernel.sharedBytesPerBlock === 0 ? sm.blocks : Math.floor((sm.sharedKiB * 1024) / kernel.sharedBytesPerBlock);
  return Math.min(
    sm.blocks,
    Math.floor(sm.warps / kernel.warpsPerBlock),
    Math.floor(sm.registers / registers),
    bySharedMemory,
  );
}
