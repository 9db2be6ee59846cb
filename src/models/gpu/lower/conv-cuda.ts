import type { GpuSpec, TileSpec } from '../spec.ts';
import { zeros } from './conv-scatter.ts';
import { convProduct, plainConvTiles, slicedCandidates } from './conv-tiles.ts';
import { type Convolution, convBytes, isPaddedBeyondFilter } from './convolution.ts';
import { gathering } from './gather.ts';
import { type Candidate, type Product, tiledCandidate } from './gemm.ts';

/** Blocks that weight gradients give an SM, and main-loop steps of one at least. */
const BLOCKS_PER_SM = 2;
const MIN_STEPS = 4;

/** Implicit GEMM on plain pipes. Channels and taps are one dimension, so that few channels leave nothing empty. */
export function cudaConvCandidates(spec: GpuSpec, conv: Convolution): Candidate[] {
  return implicitProducts(spec, conv).map((kernels) =>
    kernels.map((kernel) => (kernel.macsDone > 0 ? gathering(spec, kernel, conv.operandBytes) : kernel)),
  );
}

function implicitProducts(spec: GpuSpec, conv: Convolution): Candidate[] {
  const { pass, n, c, k, r, s, p, q, groups } = conv;
  if (pass === 'input-gradient') return inputGradient(spec, conv);
  const bytes = convBytes(conv);
  const [channels, filters, pixels] = [c / groups, k / groups, n * p * q];
  const tiles = plainConvTiles(spec, conv.precision, filters);
  if (pass === 'forward') {
    const product = { ...convProduct(conv), batch: groups, m: pixels, n: filters, k: channels * r * s };
    return slicedCandidates(spec, tiles, { ...product, leftBytes: bytes.input, rightBytes: bytes.weights }, 0);
  }
  const product = { ...convProduct(conv), batch: groups, m: channels * r * s, n: filters, k: pixels };
  return weightGradient(spec, tiles, { ...product, leftBytes: bytes.input, rightBytes: bytes.result });
}

/**
 * By the widest tile that the filters fill, the pixels shared out until SMs have two blocks each. DeepBench's rows ask for a main
 * loop that multiplies only when its loads have come: with one tile in shared memory at a time.
 */
function weightGradient(spec: GpuSpec, tiles: readonly TileSpec[], product: Product): Candidate[] {
  const waiting: GpuSpec = { ...spec, library: { ...spec.library, stages: 1 } };
  const widest = Math.max(...tiles.map(({ n }) => n));
  return tiles
    .filter(({ n }) => n >= Math.min(widest, product.n))
    .map((tile) => {
      const blocks = Math.ceil(product.m / tile.m) * Math.ceil(product.n / tile.n) * product.batch;
      const most = Math.min((BLOCKS_PER_SM * spec.sms) / blocks, product.k / tile.k / MIN_STEPS);
      return tiledCandidate(waiting, tile, product, Math.max(1, Math.floor(most)));
    })
    .filter((candidate) => candidate !== null);
}

/**
 * Inputs fall into phases that see different taps. Where some see none, their zeros are written first by a kernel of
 * its own, and the results of the others touch as many lines of memory as those of all.
 */
function inputGradient(spec: GpuSpec, conv: Convolution): Candidate[] {
  const { n, c, h, w, k, r, s, groups } = conv;
  const bytes = convBytes(conv);
  // Beyond the filter no phase starts where the image does: all inputs are computed, zeros included.
  const [down, across] = isPaddedBeyondFilter(conv) ? [1, 1] : conv.stride;
  const phases = down * across;
  const seeing = Math.min(r, down) * Math.min(s, across);
  const product = {
    ...convProduct(conv),
    resultBytes: (conv.resultBytes * phases) / seeing,
    batch: groups * seeing,
    m: n * Math.ceil(h / down) * Math.ceil(w / across),
    n: c / groups,
    k: Math.ceil((r * s) / seeing) * (k / groups),
    leftBytes: bytes.result,
    rightBytes: bytes.weights,
  };
  const candidates = slicedCandidates(spec, plainConvTiles(spec, conv.precision, product.n), product, 0);
  return seeing === phases ? candidates : candidates.map((kernels) => [zeros(spec, conv), ...kernels]);
}
