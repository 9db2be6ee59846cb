import type { GpuSpec } from '../spec.ts';
import { convProduct, plainConvTiles, slicedCandidates } from './conv-tiles.ts';
import { type Convolution, convBytes } from './convolution.ts';
import type { Candidate, Product } from './gemm.ts';
import { positionsOf, transformedCandidates } from './transformed.ts';

/**
 * Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): an m x m
 * tile of results of an r x r filter takes (m + r - 1)^2 products instead of m^2 r^2, between transformed tiles.
 * Non-fused: transforms are kernels of their own around one batched product. Fused: one kernel does it all.
 */
interface Variant {
  readonly filter: number;
  /** Side of a tile of results. */
  readonly results: number;
  readonly fused: boolean;
}

/** Those that cuDNN has for training in single precision: winograd_128x128, winogradForward4x4 and 9x9_5x5 in its kernels' names. */
const VARIANTS: readonly Variant[] = [
  { filter: 3, results: 2, fused: true },
  { filter: 3, results: 4, fused: false },
  { filter: 5, results: 5, fused: false },
];

export function winogradCandidates(spec: GpuSpec, conv: Convolution): Candidate[] {
  const { r, s, stride, dilation, groups, pass, operandBytes } = conv;
  const plain = stride[0] * stride[1] * dilation[0] * dilation[1] * groups === 1;
  // Transforms divide: whole numbers do not survive them.
  if (r !== s || !plain || operandBytes < 2) return [];
  return VARIANTS.filter(({ filter, fused }) => filter === r && !(fused && pass === 'weight-gradient')).flatMap(
    (variant) => (variant.fused ? fused(spec, conv, variant) : nonFused(spec, conv, variant)),
  );
}

function nonFused(spec: GpuSpec, conv: Convolution, { filter, results }: Variant): Candidate[] {
  const side = results + filter - 1;
  const domain = {
    name: 'winograd',
    tile: [results, results],
    positions: side ** 2,
    complex: false,
    realBytes: conv.operandBytes,
    precision: conv.precision,
    operations: 2 * side ** 3,
  } as const;
  const { n } = positionsOf(conv, domain.tile, domain.positions);
  return transformedCandidates(spec, conv, domain, plainConvTiles(spec, n));
}

/** Tiles are transformed on the way from memory into registers and back; memory sees plain tensors. */
function fused(spec: GpuSpec, conv: Convolution, { filter, results }: Variant): Candidate[] {
  const { count, m, n, k } = positionsOf(conv, [results, results], (results + filter - 1) ** 2);
  const bytes = convBytes(conv);
  const product: Product = {
    ...convProduct(conv),
    batch: count,
    m,
    n,
    k,
    resultBytes: (conv.resultBytes * results ** 2) / count,
    leftBytes: conv.pass === 'forward' ? bytes.input : bytes.result,
    rightBytes: bytes.weights,
  };
  return slicedCandidates(spec, plainConvTiles(spec, n), product, 0);
}
