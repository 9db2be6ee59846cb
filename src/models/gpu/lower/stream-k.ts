import type { Kernel } from '../kernel.ts';
import type { GpuSpec, TileSpec } from '../spec.ts';
import { blocksPerSm } from '../units/occupancy.ts';
import type { Cut } from './tile.ts';

/** Iterations below which a part of a reduction is not worth its ends. */
export const MIN_ITERATIONS = 4;
/** Width of sums that another block or kernel adds up. */
export const SUM_BYTES = 4;

/**
 * Stream-K with whole waves before it (Osama et al., PPoPP 2023, section 5.2): tiles run wave by wave until between one
 * and two waves of them are left, or fewer. The iterations of those are shared out evenly among as many blocks as the SMs
 * hold. A block begins where the one before it stopped, so most tiles are cut: the block that stops leaves its sums in a
 * workspace, from where another adds them to its own.
 *
 * Null if the tiles fill whole waves, or if a block would not get enough iterations to be worth its ends.
 */
export function streamK(
  spec: GpuSpec,
  whole: Kernel,
  tile: TileSpec,
  cutKernel: (cut: Cut) => Kernel | null,
): Kernel[] | null {
  const capacity = blocksPerSm(spec, whole) * spec.sms;
  if (capacity === 0 || whole.blocks % capacity === 0) return null;
  const wavesBefore = Math.max(0, Math.floor(whole.blocks / capacity) - 1);
  const tilesBefore = wavesBefore * capacity;
  const tiles = whole.blocks - tilesBefore;
  const iterations = Math.ceil((tiles * whole.iterations) / capacity);
  if (iterations < MIN_ITERATIONS) return null;
  const [finished, others] = [Math.ceil(tiles / capacity), Math.ceil(capacity / tiles)];
  const cut = cutKernel({ tiles: finished, others, sumBytes: SUM_BYTES });
  if (cut === null) return null;
  const sumBytes = (capacity - 1) * tile.m * tile.n * SUM_BYTES;
  const last = sharedOut(spec, part(cut, tiles), { blocks: capacity, iterations, sumBytes });
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
    macsDone: share * kernel.macsDone,
  };
}

/**
 * The same tiles in so many blocks and iterations. `sumBytes` go to the workspace: every block but the first begins within
 * a tile, unless ends of tiles and of blocks fall together.
 */
function sharedOut(
  { l2 }: GpuSpec,
  tiles: Kernel,
  { blocks, iterations, sumBytes }: { readonly blocks: number; readonly iterations: number; readonly sumBytes: number },
): Kernel {
  const longer = (blocks * iterations) / (tiles.blocks * tiles.iterations);
  const inL2 = Math.min(1, (l2.sizeKiB * 1024) / sumBytes);
  const resultWriteBytes = tiles.resultWriteBytes + sumBytes;
  const offChipBytes = tiles.resultWriteBytes * tiles.offChipResultShare + sumBytes * (1 - inL2);
  return {
    ...tiles,
    name: `${tiles.name}, last waves shared out`,
    blocks,
    iterations,
    loadBytes: longer * tiles.loadBytes,
    resultReadBytes: tiles.resultReadBytes + sumBytes,
    resultWriteBytes,
    offChipResultShare: offChipBytes / resultWriteBytes,
    mathCyclesPerBlock: (iterations * tiles.mathCyclesPerBlock) / tiles.iterations,
    macsDone: longer * tiles.macsDone,
  };
}
