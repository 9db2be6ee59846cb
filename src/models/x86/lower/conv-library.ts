import type { ConvLoops } from './convolution.ts';
import type { Pieces } from './cover.ts';
import type { TileMath } from './gemm-code.ts';

/** A tile of a convolution's kernel: vectors of channels x positions, and who repeats elements of the operand. */
export interface ConvTile {
  readonly vectors: number;
  readonly positions: number;
  /** Multiply-adds repeat an element of memory themselves, each loading it; else it is loaded once for all vectors. */
  readonly embedded: boolean;
}

/** Kernels for filters of several taps: a call computes a row of results. */
export interface RowKernel {
  readonly tile: ConvTile;
  /** Channels that a call sums up; sums of several calls are added in memory. */
  readonly callChannels: number;
  /** What the loops around the calls go through first: all rows for some channels, or all channels for one row. */
  readonly inner: 'rows' | 'channels';
  /** Channels gone through before the next channels of results. */
  readonly depthChannels: number;
}

/** Kernels for filters of one tap: products of matrices in three blocks. */
export interface PointKernel {
  readonly tile: ConvTile;
  /** Vectors of channels that tiles of each height cover. */
  readonly heights: readonly Pieces[];
  readonly depthBlock: number;
  readonly positionBlock: number;
  readonly channelBlock: number;
  /** All channels and positions are gone through before the next block of the depth. */
  readonly depthOutside: boolean;
}

interface Place {
  readonly lanes: number;
  readonly cores: number;
  readonly l1Bytes: number;
  readonly l2Bytes: number;
}

const FLOAT_BYTES = 4;
/** Registers that sums and operands of several vectors share, by instruction set; dot products need no scratch. */
const SHARED_REGISTERS = { avx512: 28, avx2: 15, sse: 13 } as const;
const DOT_REGISTERS = 31;
/** Positions side by side if each multiply-add repeats its own element (AVX-512). */
const EMBEDDED_POSITIONS = 28;
const MOST_VECTORS = 5;

/** Sums of integers are not stored before they are complete: results are narrower. */
const isFloating = ({ format }: TileMath): boolean => format === 'fp32' || format === 'fp64';
const ceilDiv = (size: number, by: number): number => Math.ceil(size / by);

/** A row kernel of oneDNN 2.6 (init_conf in jit_avx512_common_conv_kernel.cpp and jit_avx2_conv_kernel_f32.cpp). */
export function rowKernel(conv: ConvLoops, math: TileMath, place: Place): RowKernel {
  const inside = conv.depth / conv.taps;
  const blocks = ceilDiv(conv.laneChannels, place.lanes);
  const { positions } = conv.columnAxis;
  if (math.set !== 'avx512' || math.format !== 'fp32') {
    const free = math.set === 'avx512' && math.dotProducts ? DOT_REGISTERS : SHARED_REGISTERS[math.set];
    const vectors = math.set === 'avx512' ? largestDivisor(blocks, 4) : Math.min(4, blocks);
    return {
      tile: { vectors, positions: Math.min(positions, Math.max(1, Math.floor(free / (vectors + 1)))), embedded: false },
      inner: 'channels',
      // 12 vectors of channels, whose weights for four vectors of results fit the second level.
      callChannels: isFloating(math) ? Math.min(inside, place.lanes) : inside,
      depthChannels: isFloating(math) ? Math.min(inside, 12 * place.lanes) : inside,
    };
  }
  const common = { inner: 'rows', callChannels: Math.min(inside, place.lanes), depthChannels: inside } as const;
  const { embedded, fitsTwo } = repeatsItself(conv, place, inside);
  if (!embedded) {
    const vectors = mostEfficient(conv, blocks, place.cores);
    return { ...common, tile: { vectors, positions: Math.min(positions, Math.floor(31 / (vectors + 1))), embedded } };
  }
  const two = fitsTwo && positions <= 8 && conv.images > 1 && blocks % 2 === 0;
  return {
    ...common,
    tile: { vectors: two ? 2 : 1, positions: Math.min(positions, two ? 10 : EMBEDDED_POSITIONS), embedded },
  };
}

/** Which shapes oneDNN gives the kernel whose multiply-adds repeat elements, found by trial by its authors. */
function repeatsItself(conv: ConvLoops, { lanes, l1Bytes }: Place, inside: number) {
  const { images, rowAxis, columnAxis, laneChannels } = conv;
  const q = columnAxis.positions;
  const lane = lanes * FLOAT_BYTES;
  // Of two vectors of results: a row of the operand per tap, results and weights.
  const callBytes =
    lane * (ceilDiv(columnAxis.operand, columnAxis.stride) * rowAxis.taps + 2 * q + 2 * conv.taps * lanes);
  const fitsTwo = callBytes < l1Bytes && rowAxis.taps <= 3 && columnAxis.taps <= 3;
  const isSmall =
    columnAxis.taps === 3 &&
    q <= 28 &&
    callBytes < l1Bytes &&
    !(q === 13 && inside >= 192) &&
    !(q === 28 && inside >= 512);
  const isStrided = columnAxis.stride !== 1 || rowAxis.stride !== 1;
  const embedded =
    columnAxis.taps > 3 ||
    (isSmall && (!isStrided || (images <= 16 && (laneChannels <= 192 || rowAxis.positions <= 10)))) ||
    (images === 1 && (q <= EMBEDDED_POSITIONS || inside < lanes || (q <= 147 && laneChannels <= 96)));
  return { embedded, fitsTwo };
}

/** Vectors of results at a time: as many as divide them, fewer only where that keeps clearly more cores at work. */
function mostEfficient({ images, groups, rowAxis }: ConvLoops, blocks: number, cores: number): number {
  let [best, bestShare] = [1, 0];
  for (let vectors = Math.min(MOST_VECTORS, blocks); vectors > 0; vectors -= 1) {
    if (blocks % vectors !== 0) continue;
    const calls = images * groups * rowAxis.positions * (blocks / vectors);
    const share = calls / (ceilDiv(calls, cores) * cores);
    if (share > 1.05 * bestShare) [best, bestShare] = [vectors, share];
  }
  return best;
}

function largestDivisor(of: number, most: number): number {
  let divisor = Math.min(most, of);
  while (of % divisor !== 0) divisor -= 1;
  return divisor;
}

/** Positions from which on a map is not small, and below which it is not big, in rows. */
const SMALL_ROWS = 10;
const BIG_ROWS = 28;
const MIDDLE_ROWS = 14;

/** A kernel of oneDNN 2.6 for one tap (jit_avx512_common_1x1_conv_kernel.cpp, jit_avx2_1x1_conv_kernel_f32.cpp). */
export function pointKernel(conv: ConvLoops, math: TileMath, place: Place): PointKernel {
  const blocks = ceilDiv(conv.laneChannels, place.lanes);
  const { depth, laneChannels } = conv;
  const rows = conv.rowAxis.positions;
  const positions = rows * conv.columnAxis.positions;
  if (math.set !== 'avx512')
    return {
      tile: { vectors: 3, positions: Math.min(positions, math.set === 'avx2' ? 4 : 3), embedded: false },
      heights: heightsOf(blocks, 3, blocks === 4),
      depthBlock: isFloating(math) ? Math.min(depth, 128) : depth,
      positionBlock: Math.min(positions, 128),
      channelBlock: Math.min(laneChannels, 120),
      depthOutside: false,
    };
  const embedded = 8 * conv.images < place.cores && math.format === 'fp32';
  const isBetween = rows > SMALL_ROWS && rows < BIG_ROWS;
  const [least, most] = embedded ? [9, 30] : isBetween && laneChannels > 128 && laneChannels < 256 ? [5, 6] : [6, 9];
  const width = widthOf(rows >= MIDDLE_ROWS ? rows : positions, positions, least, most);
  // Vectors by what the registers leave beside so many positions.
  const steps = embedded ? [4, 5, 8, 14] : [5, 6, 9, 14];
  const vectors = 5 - steps.filter((step) => width > step).length;
  const depthBlock = Math.min(depth, pointDepth(conv, math, embedded, isBetween));
  // Beside a block of the operand, three quarters of the second level hold two vectors of weights, a tile and some more.
  const capacity = (0.75 * place.l2Bytes) / FLOAT_BYTES;
  const left = capacity - (2 * place.lanes + width) * depthBlock - 3 * 1024;
  const block = Math.floor(left / (depth * positions > capacity ? 2 : 1) / depthBlock / width) * width;
  return {
    tile: { vectors, positions: width, embedded },
    heights: heightsOf(blocks, vectors, false),
    depthBlock,
    positionBlock: Math.min(positions, Math.max(width, block)),
    channelBlock: laneChannels,
    depthOutside: depthBlock < depth,
  };
}

/** Products that are summed up before the next channels and positions. */
function pointDepth(conv: ConvLoops, math: TileMath, embedded: boolean, isBetween: boolean): number {
  if (!isFloating(math)) return conv.depth;
  if (embedded) return conv.depth < 1024 ? conv.depth : conv.rowAxis.positions > SMALL_ROWS ? 128 : 256;
  if (isBetween && conv.laneChannels <= 256) return 80;
  return conv.rowAxis.positions > SMALL_ROWS ? 512 : 256;
}

/** Positions of a tile: the most that divide a row, or else those that leave the longest rest. */
function widthOf(row: number, positions: number, least: number, most: number): number {
  for (let width = most; width >= least; width -= 1) if (row % width === 0) return width;
  let [best, bestRest] = [Math.min(most, positions), positions % most];
  for (let width = most; width >= least; width -= 1) {
    const rest = positions % width;
    if (rest === 0) return Math.min(width, positions);
    if (rest > bestRest) [best, bestRest] = [Math.min(width, positions), rest];
  }
  return best;
}

/** Tiles as high as possible, but what would end in a full tile and a single vector in two tiles of one less. */
function heightsOf(blocks: number, highest: number, levelsFirst: boolean): Pieces[] {
  const counts = new Map<number, number>();
  let rest = blocks;
  while (rest > 0) {
    const isLevelled = rest === 2 * (highest - 1) && highest > 1 && (levelsFirst || rest < blocks);
    const size = isLevelled ? highest - 1 : Math.min(highest, rest);
    const times = isLevelled ? 2 : 1;
    counts.set(size, (counts.get(size) ?? 0) + times);
    rest -= size * times;
  }
  return [...counts].map(([size, count]) => ({ size, count }));
}
