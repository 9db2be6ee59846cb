import { InputError } from '../../../errors.ts';
import type { Kernel, Rates } from '../kernel.ts';
import { type GpuSpec, type MathSpec, storedShare, type TileSpec } from '../spec.ts';
import { MAX_REGISTERS_PER_THREAD } from '../units/occupancy.ts';
import { cyclicHitRate, offChipOperandBytes } from '../units/reuse.ts';
import { streamKernel } from './stream.ts';
import { MIN_ITERATIONS, SUM_BYTES, streamK } from './stream-k.ts';
import { type Cut, fragmentBytesOf, type MathInstruction, stageBytesOf, tileProgram } from './tile.ts';

/**
 * A product as kernels see it: sizes padded as the caller pads, formats, and where its operands lie. Math for sparse operands takes the left
 * one as such; its bytes are given as if it were dense.
 */
export interface Product {
  readonly name: string;
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly precision: string;
  readonly operandBytes: number;
  readonly resultBytes: number;
  /** Bytes between neighbouring columns of an operand whose reduction dimension is contiguous; null: rows or columns are. */
  readonly leftPitchBytes: number | null;
  readonly rightPitchBytes: number | null;
  /** The result is added to what is there. */
  readonly readsResult: boolean;
  /** Operands as they lie in memory, where a convolution reads them several times over; else those of the product. */
  readonly leftBytes: number;
  readonly rightBytes: number;
  /** Bytes of all tensors the call touches, if the same call was made just before; null: nothing is in L2. */
  readonly warmBytes: number | null;
}

/** Blocks per SM that slicing the reduction aims at. */
const FILLS = [1, 2, 4] as const;
/** Registers for addresses, loop counters and predicates, and what compilers get by with where there are no more. */
const OTHER_REGISTERS = 50;
const LEAST_OTHER_REGISTERS = 20;

/** A way to compute a product: kernels one after the other. */
export type Candidate = readonly Kernel[];

/** All ways the library has to compute a product. */
export function gemmCandidates(spec: GpuSpec, product: Product): Candidate[] {
  const math = spec.math[product.precision]!;
  const tiles = tilesFor(spec, math, product.operandBytes);
  const candidates: Candidate[] = [];
  for (const tile of largeEnough(spec, tiles, product).filter((one) => worthwhile(one, tiles, product))) {
    const iterations = Math.ceil(product.k / inElements(math, tile).k);
    const blocks = Math.ceil(product.m / tile.m) * Math.ceil(product.n / tile.n) * product.batch;
    const splits = FILLS.map((fill) => Math.min(spec.library.maxSlices, Math.floor((fill * spec.sms) / blocks)));
    for (const slices of new Set([1, ...splits])) {
      if (slices < 1 || (slices > 1 && iterations / slices < MIN_ITERATIONS)) continue;
      const candidate = tiledCandidate(spec, tile, product, slices);
      if (candidate !== null) candidates.push(candidate);
    }
    const streamed = spec.library.streamK ? streamKCandidate(spec, tile, product) : null;
    if (streamed !== null) candidates.push(streamed);
  }
  return candidates;
}

/**
 * Tiles for operands of a width: a step on tensor cores is as many bytes deep as the machine file says for elements of two bytes, counted
 * on the sparse operand where one is.
 */
export function tilesFor(spec: GpuSpec, math: MathSpec, operandBytes: number): readonly TileSpec[] {
  if (math.unit === 'cuda') return spec.library.cudaTiles;
  const { n, m } = math.sparse ?? { n: 1, m: 1 };
  return spec.library.tensorTiles.map((tile) => ({ ...tile, k: (2 * tile.k * m) / n / operandBytes }));
}

/** One tile shape and number of slices; null if a thread would need more registers than it can have. */
export function tiledCandidate(spec: GpuSpec, tile: TileSpec, product: Product, slices: number): Candidate | null {
  const math = spec.math[product.precision]!;
  const kernel = tileKernel(spec, math, inElements(math, tile), product, slices);
  if (kernel === null) return null;
  return slices === 1 ? [kernel] : [kernel, reductionKernel(spec, product, slices)];
}

/** The tiles of the last waves cut along the reduction; null if the tile or the product does not allow for it. */
export function streamKCandidate(spec: GpuSpec, shape: TileSpec, product: Product): Candidate | null {
  const math = spec.math[product.precision]!;
  const tile = inElements(math, shape);
  const kernel = (cut?: Cut): Kernel | null => tileKernel(spec, math, tile, product, 1, cut);
  const whole = kernel();
  return whole === null ? null : streamK(spec, whole, tile, kernel);
}

/** Side of a tile below which it is for products that leave SMs without blocks otherwise, and blocks an SM that are enough. */
const SMALL_SIDE = 64;
const ENOUGH_BLOCKS = 8;

/** Without tiles that are too small for so many results: they load more for each and gain nothing, and to find that out takes long. */
export function largeEnough(spec: GpuSpec, tiles: readonly TileSpec[], { m, n, batch }: Product): readonly TileSpec[] {
  const blocks = Math.floor(m / SMALL_SIDE) * Math.floor(n / SMALL_SIDE) * batch;
  const large = tiles.filter((tile) => Math.min(tile.m, tile.n) >= SMALL_SIDE);
  return blocks >= ENOUGH_BLOCKS * spec.sms && large.length > 0 ? large : tiles;
}

/** No tile that is more than half empty, unless it is the smallest of its kind. */
function worthwhile(tile: TileSpec, tiles: readonly TileSpec[], { m, n }: Product): boolean {
  const smallestM = Math.min(...tiles.map((one) => one.m));
  const smallestN = Math.min(...tiles.map((one) => one.n));
  return (tile.m < 2 * m || tile.m <= 2 * smallestM) && (tile.n < 2 * n || tile.n <= 2 * smallestN);
}

/** On plain pipes a step is as many instructions deep as the machine file says, whatever each of them multiplies. */
function inElements(math: MathSpec, tile: TileSpec): TileSpec {
  return math.unit === 'cuda' ? { ...tile, k: tile.k * math.k } : tile;
}

/** The main kernel; null if a thread would need more registers than it can have. With `cut`, blocks end and begin within tiles. */
function tileKernel(
  spec: GpuSpec,
  math: MathSpec,
  tile: TileSpec,
  product: Product,
  slices: number,
  cut?: Cut,
): Kernel | null {
  if (tile.k % (2 * math.k) !== 0)
    throw InputError.of(
      'library',
      `a tile of depth ${tile.k} for ${product.precision} instructions of depth ${math.k}`,
      'make its k an even multiple of theirs: two sets of fragments take turns',
    );
  const { operandBytes, batch, m, n, k } = product;
  const warps = tile.warpsM * tile.warpsN;
  const threads = 32 * warps;
  const instruction = instructionOf(math, operandBytes);
  const stageBytes = stageBytesOf(tile, instruction);
  const sums = (tile.m * tile.n * math.accumulatorBytes) / threads / 4;
  const fragments = (fragmentBytesOf(tile.m / tile.warpsM, tile.n / tile.warpsN, instruction) * 2) / 32 / 4;
  const staged = spec.sm.asyncCopy ? 0 : stageBytes / threads / 4;
  const needed = Math.ceil(sums + fragments + staged);
  if (needed + LEAST_OTHER_REGISTERS > MAX_REGISTERS_PER_THREAD) return null;
  const registersPerThread = Math.min(needed + OTHER_REGISTERS, MAX_REGISTERS_PER_THREAD);
  const [tilesM, tilesN] = [Math.ceil(m / tile.m), Math.ceil(n / tile.n)];
  const leftBytes = (product.leftBytes * instruction.leftStored) / batch;
  const rightBytes = product.rightBytes / batch;
  const iterations = Math.ceil(Math.ceil(k / tile.k) / slices);
  const blocks = tilesM * tilesN * batch * slices;
  const hitRate = product.warmBytes === null ? 0 : cyclicHitRate(product.warmBytes, operandCapacityBytes(spec));
  const partial = slices > 1;
  const resultBytes = partial ? SUM_BYTES : product.resultBytes;
  const stored = m * n * batch * resultBytes * slices;
  const timing = (rates: Rates) => ({
    math: instruction,
    sharedBytesPerCycle: spec.sm.sharedBytesPerCycle,
    sharedLatencyCycles: spec.sm.sharedLatencyCycles,
    globalBytesPerCycle: rates.loadBytesPerCycle,
    globalLatencyCycles: rates.loadLatencyCycles,
    resultBytesPerCycle: rates.resultBytesPerCycle,
    barrierCycles: spec.sm.barrierCycles,
    asyncCopy: spec.sm.asyncCopy,
    addressInstructions: spec.library.addressInstructions,
    readsResult: product.readsResult && !partial,
    resultBytes,
    cut,
    prologueInstructions: spec.library.prologueInstructions,
  });
  const shape = `${tile.m}x${tile.n}x${tile.k}`;
  return {
    name: `gemm ${product.precision} ${shape}${partial ? ` in ${slices} slices` : ''}`,
    programKey: [
      product.precision,
      shape,
      spec.library.stages,
      warps,
      tile.warpsM,
      operandBytes,
      resultBytes,
      product.readsResult && !partial,
      cut === undefined ? '' : `${cut.tiles} ${cut.others}`,
    ].join(),
    program: (rates) => tileProgram({ ...tile, stages: spec.library.stages }, timing(rates)),
    blocks,
    warpsPerBlock: warps,
    registersPerThread,
    sharedBytesPerBlock: spec.library.stages * stageBytes,
    iterations,
    exposedLoads: spec.sm.asyncCopy ? 0 : 1,
    loadBytes: blocks * iterations * stageBytes,
    offChipLoadBytes: (resident) =>
      (1 - hitRate) *
      batch *
      offChipOperandBytes(
        {
          tilesM,
          tilesN,
          leftPanelBytes: leftBytes / tilesM,
          rightPanelBytes: rightBytes / tilesN,
          leftBytes,
          rightBytes,
        },
        Math.max(1, Math.floor(resident / slices / Math.max(1, Math.floor(resident / (tilesM * tilesN * slices))))),
        operandCapacityBytes(spec),
      ),
    patternShare: patternShare(spec, tile, product),
    resultReadBytes: product.readsResult && !partial ? stored : 0,
    resultWriteBytes: stored,
    offChipResultShare: 1 - hitRate,
    mathCyclesPerBlock: (iterations * tile.m * tile.n * tile.k) / macsPerCycle(spec, math),
    macsDone: blocks * iterations * tile.m * tile.n * tile.k,
  };
}

/** The math as tiles use it. */
function instructionOf(math: MathSpec, operandBytes: number): MathInstruction {
  const { m, n, k, instructions, occupiesCycles, latencyCycles, leftReads, rightReads, accumulatorBytes } = math;
  const leftStored = storedShare(math, operandBytes);
  const steps = instructions;
  return {
    m,
    n,
    k,
    steps,
    occupiesCycles,
    latencyCycles,
    leftReads,
    rightReads,
    operandBytes,
    leftStored,
    accumulatorBytes,
  };
}

/** The product with rows and columns exchanged, which is stored so as it is computed. */
export function exchanged(product: Product): Product {
  const { m, n, leftPitchBytes, rightPitchBytes, leftBytes, rightBytes } = product;
  return {
    ...product,
    ...{ m: n, n: m, leftBytes: rightBytes, rightBytes: leftBytes },
    ...{ leftPitchBytes: rightPitchBytes, rightPitchBytes: leftPitchBytes },
  };
}

/** L2 for what all SMs read. */
function operandCapacityBytes({ l2 }: GpuSpec): number {
  return (l2.sizeKiB * 1024) / l2.partitions;
}

/** Multiply-adds per cycle of an SM at full rate. */
export function macsPerCycle(spec: GpuSpec, math: MathSpec): number {
  return (spec.sm.subCores * math.m * math.n * math.k) / (math.instructions * math.occupiesCycles);
}

/** Bytes of L2 and DRAM that are moved at once on NVIDIA's GPUs since Maxwell. */
const SECTOR_BYTES = 32;

/**
 * Operands whose rows lie along the reduction are read a tile's depth of a row at a time, which memory serves slower: one sector at a
 * time always, more of them unless the pitch keeps rows in step over the channels. Measured, see the machine files.
 */
function patternShare(spec: GpuSpec, tile: TileSpec, product: Product): number {
  const { leftPitchBytes, rightPitchBytes, leftBytes, rightBytes } = product;
  const { sectorShare, stridedShare, pitchBytes } = spec.memory;
  const shareOf = (pitch: number | null): number => {
    if (pitch === null) return 1;
    if (tile.k * product.operandBytes <= SECTOR_BYTES) return sectorShare;
    return pitch % pitchBytes === 0 ? 1 : stridedShare;
  };
  return (leftBytes + rightBytes) / (leftBytes / shareOf(leftPitchBytes) + rightBytes / shareOf(rightPitchBytes));
}

/** Adds the slices' partial sums up; they are still in L2 as far as they fit. */
function reductionKernel(spec: GpuSpec, product: Product, slices: number): Kernel {
  const elements = product.m * product.n * product.batch;
  const inL2 = Math.min(1, (spec.l2.sizeKiB * 1024) / (elements * slices * SUM_BYTES));
  return streamKernel(spec, {
    name: `sum of ${slices} slices`,
    elements,
    readBytesPerElement: slices * SUM_BYTES + (product.readsResult ? product.resultBytes : 0),
    writeBytesPerElement: product.resultBytes,
    aluPerElement: slices,
    sfuPerElement: 0,
    offChipReadShare: 1 - inL2,
    offChipWriteShare: 1 - inL2,
  });
}
