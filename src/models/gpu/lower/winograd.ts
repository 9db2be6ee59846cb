import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { convProduct, plainConvTiles, slicedCandidates } from './conv-tiles.ts';
import { type Convolution, convBytes, offChipShare } from './convolution.ts';
import type { Candidate, Product } from './gemm.ts';
import { streamKernel } from './stream.ts';

/**
 * Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): an m x m
 * tile of results of an r x r filter takes (m + r - 1)^2 products instead of m^2 r^2, between transformed tiles. Each
 * of these positions is a matrix product over channels. Non-fused: transforms are kernels of their own around one
 * batched product. Fused: one kernel does it all.
 */
interface Variant {
  readonly filter: number;
  /** Side of a tile of results. */
  readonly results: number;
  readonly fused: boolean;
}

/** Those that cuDNN has for training in single precision. */
const VARIANTS: readonly Variant[] = [
  { filter: 3, results: 2, fused: true },
  { filter: 3, results: 4, fused: false },
  { filter: 5, results: 2, fused: false },
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

/** The three tensors as transformed tiles: `left` and `right` are multiplied at every position. */
function positions(conv: Convolution, { filter, results }: Variant) {
  const { pass, n, c, h, w, k, p, q } = conv;
  const [height, width] = pass === 'input-gradient' ? [h, w] : [p, q];
  const tiles = n * Math.ceil(height / results) * Math.ceil(width / results);
  const count = (results + filter - 1) ** 2;
  if (pass === 'forward') return { count, m: tiles, n: k, k: c };
  return pass === 'input-gradient' ? { count, m: tiles, n: c, k } : { count, m: c, n: k, k: tiles };
}

function nonFused(spec: GpuSpec, conv: Convolution, variant: Variant): Candidate[] {
  const { count, m, n, k } = positions(conv, variant);
  const bytes = convBytes(conv);
  const [leftBytes, rightBytes, resultBytes] = {
    forward: [bytes.input, bytes.weights, bytes.result],
    'input-gradient': [bytes.result, bytes.weights, bytes.input],
    'weight-gradient': [bytes.input, bytes.result, bytes.weights],
  }[conv.pass] as [number, number, number];
  const width = conv.operandBytes;
  const product: Product = {
    ...convProduct(conv),
    batch: count,
    m,
    n,
    k,
    resultBytes: width,
    leftBytes: count * m * k * width,
    rightBytes: count * k * n * width,
    warmBytes: null,
  };
  const before = [
    transform(spec, conv, 'left', leftBytes, m * k, count, true),
    transform(spec, conv, 'right', rightBytes, k * n, count, true),
  ];
  const after = transform(spec, conv, 'result', resultBytes, m * n, count, false);
  const tiles = plainConvTiles(spec, n);
  // Only sums over all tiles are long enough to be sliced.
  const blocksPerSm = conv.pass === 'weight-gradient' ? 2 : 0;
  return slicedCandidates(spec, tiles, product, blocksPerSm).map((kernels) => [...before, ...kernels, after]);
}

/** Brings plain tiles to transformed ones, or back; `tiles` of `count` values each. */
function transform(
  spec: GpuSpec,
  conv: Convolution,
  of: string,
  plainBytes: number,
  tiles: number,
  count: number,
  to: boolean,
): Kernel {
  const values = count * tiles * conv.operandBytes;
  const [read, written] = to ? [plainBytes, values] : [values, plainBytes];
  return streamKernel(spec, {
    name: `winograd transform of ${of}`,
    elements: tiles,
    readBytesPerElement: read / tiles,
    writeBytesPerElement: written / tiles,
    aluPerElement: 2 * count * Math.sqrt(count),
    sfuPerElement: 0,
    offChipReadShare: to && !conv.warm ? 1 : offChipShare(spec, read),
    offChipWriteShare: offChipShare(spec, written),
  });
}

/** Tiles are transformed on the way from memory into registers and back; memory sees plain tensors. */
function fused(spec: GpuSpec, conv: Convolution, variant: Variant): Candidate[] {
  const { count, m, n, k } = positions(conv, variant);
  const bytes = convBytes(conv);
  const product: Product = {
    ...convProduct(conv),
    batch: count,
    m,
    n,
    k,
    resultBytes: (conv.resultBytes * variant.results ** 2) / count,
    leftBytes: conv.pass === 'forward' ? bytes.input : bytes.result,
    rightBytes: bytes.weights,
  };
  return slicedCandidates(spec, plainConvTiles(spec, n), product, 0);
}
