import type { Kernel } from '../kernel.ts';
import type { GpuSpec, TileSpec } from '../spec.ts';
import { blocksPerSm } from '../units/occupancy.ts';
import { type Candidate, MIN_ITERATIONS, PARTIAL_BYTES, type Product, tileKernel } from './gemm.ts';

/**
 * Stream-K with whole waves before it (Osama et al., PPoPP 2023, section 5.2): tiles run wave by wave until between one
 * and two waves of them are left, or fewer. The iterations of those are shared out evenly among as many blocks as the SMs
 * hold. A block begins where the one before it stopped, so most tiles are cut: the block that stops leaves its sums in a
 * workspace, from where another adds them to its own.
 *
 * Null if the tiles fill whole waves, or if a block would not get enough iterations to be worth its ends.
 */
export function streamKCandidate(spec: GpuSpec, tile: TileSpec, product: Product): Candidate | null {
  const whole = tileKernel(spec, tile, product, 1);
  const capacity = whole === null ? 0 : blocksPerSm(spec, whole) * spec.sms;
  if (whole === null || capacity === 0 || whole.blocks % capacity === 0) return null;
  const wavesBefore = Math.max(0, Math.floor(whole.blocks / capacity) - 1);
  const tilesBefore = wavesBefore * capacity;
  const tiles = whole.blocks - tilesBefore;
  const iterations = Math.ceil((tiles * whole.iterations) / capacity);
  if (iterations < MIN_ITERATIONS) return null;
  const last = lastWaves(spec, tile, product, whole, { tiles, iterations, capacity });
  if (last === null) return null;
  return tilesBefore === 0 ? [last] : [part(whole, tilesBefore), { ...last, continues: true }];
}

/** The kernel with so many of its blocks. */
function part(kernel: Kernel, blocks: number): Kernel {
  const share = blocks / kernel.blocks;
  return {
    ...kernel,
    blocks,
    loadBytes: share * kernel.loadBytes,
    offChipLoadBytes: (resident) => share * kernel.offChipLoadBytes(resident),
    resultReadBytes: share * kernel.resultReadBytes,
    resultWriteBytes: share * kernel.resultWriteBytes,
    macs: share * kernel.macs,
    macsDone: share * kernel.macsDone,
  };
}

/** The tiles that are cut; null if their blocks do not fit on an SM. */
function lastWaves(
  spec: GpuSpec,
  tile: TileSpec,
  product: Product,
  whole: Kernel,
  share: { readonly tiles: number; readonly iterations: number; readonly capacity: number },
): Kernel | null {
  const { tiles, iterations, capacity } = share;
  const cut = tileKernel(spec, tile, product, 1, {
    tiles: Math.ceil(tiles / capacity),
    others: Math.ceil(capacity / tiles),
    sumBytes: PARTIAL_BYTES,
  });
  if (cut === null) return null;
  const uncut = part(cut, tiles);
  const longer = (capacity * iterations) / (tiles * whole.iterations);
  // Every block but the first begins within a tile, unless the tiles' and the blocks' ends fall together.
  const sumBytes = (capacity - 1) * tile.m * tile.n * PARTIAL_BYTES;
  const inL2 = Math.min(1, (spec.l2.sizeKiB * 1024) / sumBytes);
  const resultWriteBytes = uncut.resultWriteBytes + sumBytes;
  const offChip = uncut.resultWriteBytes * cut.offChipResultShare + sumBytes * (1 - inL2);
  return {
    ...uncut,
    name: `${whole.name}, last waves shared out`,
    blocks: capacity,
    iterations,
    loadBytes: longer * uncut.loadBytes,
    resultReadBytes: uncut.resultReadBytes + sumBytes,
    resultWriteBytes,
    offChipResultShare: offChip / resultWriteBytes,
    mathCyclesPerBlock: (iterations * cut.mathCyclesPerBlock) / cut.iterations,
    macsDone: longer * uncut.macsDone,
  };
}
