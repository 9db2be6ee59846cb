import type { GpuSpec, TileSpec } from '../spec.ts';
import { type Convolution, convBytes } from './convolution.ts';
import { type Candidate, type Product, tiledCandidate } from './gemm.ts';

/** Main-loop steps below which a slice is not worth its kernel. */
const MIN_STEPS = 4;
/**
 * Rows of the smallest tile: cuDNN names its kernels 256x128, 256x64, 128x128, 128x64 and 128x32, and none has fewer
 * rows.
 */
const MIN_ROWS = 128;

/** Tiles that convolutions come in: fewer than products have; all if none is tall. */
export function convTiles(tiles: readonly TileSpec[], minResults: number): readonly TileSpec[] {
  const tall = tiles.filter(({ m, n }) => m >= MIN_ROWS && m >= n && m * n >= minResults);
  return tall.length > 0 ? tall : tiles;
}

/** Tiles of plain pipes for results of so many columns: libraries take narrow ones only where wider ones stay empty. */
export function plainConvTiles({ library }: GpuSpec, precision: string, columns: number): readonly TileSpec[] {
  const tiles = library.convTiles[precision] ?? convTiles(library.cudaTiles, 1);
  const widest = Math.max(...tiles.map(({ n }) => n));
  const least = Math.min(columns, library.convTileColumns, widest);
  return tiles.filter(({ n }) => n >= least);
}

/** What all products of a convolution have in common. */
export function convProduct(conv: Convolution) {
  return {
    name: conv.name,
    precision: conv.precision,
    operandBytes: conv.operandBytes,
    resultBytes: conv.resultBytes,
    leftPitchBytes: null,
    rightPitchBytes: null,
    readsResult: false,
    warmBytes: conv.warm ? convBytes(conv).all : null,
  };
}

/**
 * A product by each tile, its reduction whole and in powers of two of slices as long as SMs get no more than
 * `blocksPerSm` blocks.
 */
export function slicedCandidates(
  spec: GpuSpec,
  tiles: readonly TileSpec[],
  product: Product,
  blocksPerSm: number,
): Candidate[] {
  const candidates: Candidate[] = [];
  for (const tile of tiles) {
    const blocks = Math.ceil(product.m / tile.m) * Math.ceil(product.n / tile.n) * product.batch;
    const most = Math.min((blocksPerSm * spec.sms) / blocks, product.k / tile.k / MIN_STEPS);
    for (let slices = 1; slices === 1 || slices <= most; slices *= 2) {
      const candidate = tiledCandidate(spec, tile, product, slices);
      if (candidate !== null) candidates.push(candidate);
    }
  }
  return candidates;
}
