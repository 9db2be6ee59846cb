import type { Kernel } from '../kernel.ts';
import { transformedSide } from '../../winograd.ts';
import { MATH } from '../program.ts';
import type { GpuSpec } from '../spec.ts';
import { convProduct, plainConvTiles } from './conv-tiles.ts';
import { type Convolution, convBytes } from './convolution.ts';
import { type Candidate, type Product, tiledCandidate } from './gemm.ts';
import { interleaved } from './interleave.ts';
import { type Domain, positionsOf, transform, transformedCandidates } from './transformed.ts';

/**
 * Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): an m x m
 * tile of results of an r x r filter takes (m + r - 1)^2 products instead of m^2 r^2, between transformed tiles.
 * Non-fused: transforms are kernels of their own around one batched product. Fused: one kernel does it all but the
 * transform of the filters.
 */
interface Variant {
  readonly filter: number;
  /** Side of a tile of results. */
  readonly results: number;
  readonly fused: boolean;
}

/** Those that cuDNN has for training: winograd_128x128, winogradForward4x4 and 9x9_5x5 in its kernels' names. */
const VARIANTS: readonly Variant[] = [
  { filter: 3, results: 2, fused: true },
  { filter: 3, results: 4, fused: false },
  { filter: 5, results: 5, fused: false },
];

/**
 * The fused kernel, cuDNN's winograd_128x128: a block of 256 threads holds 16 positions of 32 tiles by 32 filters, and goes
 * through 8 channels in an iteration. Every thread brings one 4 x 4 tile of one channel to its positions, with the 32
 * additions that Lavin and Gray count. Tiles and transformed filters of an iteration fill shared memory once and a half.
 */
const FUSED = {
  tile: { m: 128, n: 128, k: 8, warpsM: 2, warpsN: 4 },
  /** Factor of tiles, and of filters, whose product is the number of positions. */
  side: 4,
  transformAdditions: 32,
  sharedBytes: 48 * 1024,
} as const;

export function winogradCandidates(spec: GpuSpec, conv: Convolution): Candidate[] {
  const { r, s, stride, dilation, groups, pass, operandBytes, precision } = conv;
  const plain = stride[0] * stride[1] * dilation[0] * dilation[1] * groups === 1;
  // Transforms divide: whole numbers do not survive them.
  if (r !== s || !plain || operandBytes < 2 || !spec.library.winogradFilters.includes(r)) return [];
  // Sums in half precision are left to 3 x 3 filters, not fused (cuDNN developer guide, cudnnConvolutionForward).
  const narrow = spec.math[precision]!.accumulatorBytes < 4;
  return VARIANTS.filter((variant) => variant.filter === r && !(narrow && (variant.fused || r > 3))).flatMap(
    (variant) => {
      const domain = domainOf(conv, variant);
      if (variant.fused) return pass === 'weight-gradient' ? [] : fused(spec, conv, domain);
      const { n } = positionsOf(conv, domain.tile, domain.positions);
      return transformedCandidates(spec, conv, domain, plainConvTiles(spec, precision, n));
    },
  );
}

function domainOf(conv: Convolution, { filter, results }: Variant): Domain {
  const side = transformedSide(results, filter);
  return {
    name: 'winograd',
    tile: [results, results],
    positions: side ** 2,
    complex: false,
    realBytes: conv.operandBytes,
    precision: conv.precision,
    operations: 2 * side ** 3,
    transposed: false,
  };
}

/** Tiles are transformed on the way from memory into registers and back; memory sees plain tensors and transformed filters. */
function fused(spec: GpuSpec, conv: Convolution, domain: Domain): Candidate[] {
  const { count, m, n, k } = positionsOf(conv, domain.tile, domain.positions);
  const bytes = convBytes(conv);
  const tilePlainBytes = (conv.resultBytes * domain.tile[0] * domain.tile[1]) / count;
  const product: Product = {
    ...convProduct(conv),
    batch: 1,
    m: FUSED.side * m,
    n: FUSED.side * n,
    k,
    resultBytes: tilePlainBytes,
    leftBytes: conv.pass === 'forward' ? bytes.input : bytes.result,
    rightBytes: count * k * n * conv.operandBytes,
  };
  const [kernel] = tiledCandidate(spec, FUSED.tile, product, 1) ?? [];
  if (kernel === undefined) return [];
  return [[transform(spec, conv, domain, 'filters', bytes.weights, k * n, true), withTransforms(kernel, conv)]];
}

/**
 * All positions of filters are loaded, and of tiles, which overlap, what the block's threads do not share: a quarter of the
 * positions and a little more.
 */
function withTransforms(kernel: Kernel, { operandBytes, precision }: Convolution): Kernel {
  const { tile, side, transformAdditions, sharedBytes } = FUSED;
  const positions = side ** 2;
  const loaded = ((tile.n / side) * positions + (tile.m / side) * (positions / 4)) * tile.k * operandBytes;
  const more = loaded / ((tile.m + tile.n) * tile.k * operandBytes);
  const additions = { pipe: MATH, count: transformAdditions, occupiesCycles: 2 };
  return {
    ...kernel,
    name: `winograd ${precision} ${tile.m}x${tile.n}`,
    programKey: `winograd ${kernel.programKey}`,
    sharedBytesPerBlock: sharedBytes,
    loadBytes: more * kernel.loadBytes,
    program: (rates) => {
      const program = kernel.program({ ...rates, loadBytesPerCycle: rates.loadBytesPerCycle / more });
      return { ...program, body: interleaved(program.body, additions) };
    },
  };
}
