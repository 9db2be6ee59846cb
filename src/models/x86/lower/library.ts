import { type MathFormat, REDUCTION_STEPS, SUM_BITS, type Tile, type TileMath } from './gemm-code.ts';
import { REGISTERS, type VectorSet, WIDEST } from './isa.ts';
import type { PackingStyle } from './packing-code.ts';
import type { SmallKernels } from './small-gemm.ts';

/** Kernels and blocks of a library for products of one format. */
export interface Blocking {
  readonly math: TileMath;
  /** Rows, depth and columns of the blocks that stay in the caches (P, Q and R of OpenBLAS). */
  readonly p: number;
  readonly q: number;
  readonly r: number;
  /** Blocks are multiples of so many rows unless the matrix ends. */
  readonly rowUnit: number;
  /** Elements of the reduction that one multiplication of a lane takes. */
  readonly depthStep: number;
  /** Heights and widths of tiles, the largest first; what remains is covered by smaller ones. */
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly tileOf: (rows: number, columns: number) => Tile;
  readonly packs: Readonly<Record<'left' | 'leftTransposed' | 'right' | 'rightTransposed', PackingStyle>>;
}

export interface GemmLibrary {
  readonly blocking: Blocking;
  /** Kernels without packing, by whether B is transposed; null: there are none. */
  readonly small: { readonly plain: SmallKernels; readonly transposedB: SmallKernels } | null;
}

/**
 * OpenBLAS 0.3.21 (param.h and the kernel files it names): block sizes, tiles and how operands are packed. Formats that it has not
 * follow the tiles of the same width.
 */
export function gemmLibrary(set: VectorSet, format: MathFormat, dotProducts: boolean): GemmLibrary {
  const math: TileMath = { set, bits: WIDEST[set], format, dotProducts };
  const depthStep = REDUCTION_STEPS[format];
  const lanes = math.bits / SUM_BITS[format];
  const packs = {
    left: 'vectors',
    leftTransposed: 'elements',
    right: 'transpose',
    rightTransposed: 'transpose',
  } as const;
  const common = { math, r: 18000, depthStep, packs };
  if (format === 'fp32') {
    const wide = set === 'avx512';
    const rows = wide ? [16, 8, 4, 2, 1] : [lanes, ...[4, 2, 1].filter((height) => height < lanes)];
    const columns = wide ? [24, 20, 16, 12, 8, 4, 2, 1] : set === 'avx2' ? [12, 8, 4, 2, 1] : [6, 4, 2, 1];
    const block = wide ? { p: 448, q: 448 } : { p: 320, q: 320 };
    const tileOf = (height: number, width: number): Tile =>
      height === lanes || !wide
        ? { style: 'pairs', vectors: 1, columns: width, unroll: 4 }
        : { style: 'quads', vectors: height === 8 ? 2 : 1, columns: width, unroll: 4 };
    return {
      blocking: { ...common, ...block, rowUnit: lanes, rows, columns, tileOf },
      small: wide ? smallFp32(math) : null,
    };
  }
  // Two vectors of rows, and columns as the registers allow.
  const columns = REGISTERS[set] === 32 ? [12, 10, 8, 6, 4, 2, 1] : [4, 2, 1];
  const rows = [2 * lanes, lanes, ...[4, 2, 1].filter((height) => height < lanes)];
  const block =
    format === 'fp64' ? (set === 'avx512' ? { p: 192, q: 384 } : { p: 512, q: 256 }) : { p: 448, q: 448 * depthStep };
  const tileOf = (height: number, width: number): Tile => ({
    style: 'broadcast',
    vectors: height === 2 * lanes ? 2 : 1,
    columns: width,
    unroll: 4,
  });
  return {
    blocking: { ...common, ...block, rowUnit: 2 * lanes, rows, columns, tileOf },
    small: format === 'fp64' && set === 'avx512' ? smallFp64(math) : null,
  };
}

function smallFp32(math: TileMath): GemmLibrary['small'] {
  return {
    plain: {
      math,
      heights: [
        { rows: 64, columns: [4, 2, 1] },
        { rows: 32, columns: [6, 2, 1] },
        { rows: 16, columns: [6, 2, 1] },
      ],
      tailColumns: [6, 2, 1],
      dotTail: { mostRows: 8, leastDepth: 32 },
    },
    transposedB: {
      math,
      heights: [
        { rows: 64, columns: [6, 2, 1] },
        { rows: 32, columns: [8, 4, 2, 1] },
        { rows: 16, columns: [8, 4, 2, 1] },
      ],
      tailColumns: [8, 4, 2, 1],
      dotTail: null,
    },
  };
}

function smallFp64(math: TileMath): GemmLibrary['small'] {
  const heights = [
    { rows: 32, columns: [4, 2, 1] },
    { rows: 16, columns: [6, 2, 1] },
    { rows: 8, columns: [6, 2, 1] },
  ];
  return {
    plain: { math, heights, tailColumns: [6, 2, 1], dotTail: { mostRows: 4, leastDepth: 16 } },
    transposedB: { math, heights, tailColumns: [6, 2, 1], dotTail: null },
  };
}
