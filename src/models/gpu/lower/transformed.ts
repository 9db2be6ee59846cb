import { tilesOf } from '../../winograd.ts';
import type { Kernel } from '../kernel.ts';
import type { GpuSpec, TileSpec } from '../spec.ts';
import { convProduct, slicedCandidates } from './conv-tiles.ts';
import { type Convolution, convBytes, offChipShare } from './convolution.ts';
import { type Candidate, largeEnough, type Product } from './gemm.ts';
import { streamKernel } from './stream.ts';

/**
 * Where a convolution becomes one product of matrices at every position of a tile: input, filters and results are transformed tile
 * by tile, and channels are all that is left to sum over.
 */
export interface Domain {
  readonly name: string;
  /** Rows and columns of a tile of results. */
  readonly tile: readonly [number, number];
  /** Positions of a transformed tile. */
  readonly positions: number;
  /** Whether the value at a position is complex. */
  readonly complex: boolean;
  /** Bytes of a real value while it is transformed. */
  readonly realBytes: number;
  /** The machine's math that multiplies. */
  readonly precision: string;
  /** Operations that the transform of one tile takes. */
  readonly operations: number;
  /** Transforms leave a tile's positions side by side: kernels between them and the product bring those of all tiles together. */
  readonly transposed: boolean;
}

/** Matrices at every position: `count` products of m x k by k x n. */
export interface Positions {
  readonly count: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Of the three tensors, tiles of images stand in the rows; weight gradients sum over them. */
export function positionsOf(conv: Convolution, [rows, columns]: readonly [number, number], count: number): Positions {
  const { pass, n, c, h, w, k, p, q } = conv;
  const [height, width] = pass === 'input-gradient' ? [h, w] : [p, q];
  const tiles = tilesOf(n, [height, width], [rows, columns]);
  if (pass === 'forward') return { count, m: tiles, n: k, k: c };
  return pass === 'input-gradient' ? { count, m: tiles, n: c, k } : { count, m: c, n: k, k: tiles };
}

/** Bytes of both operands and the result while they are transformed: the workspace that the caller lends. */
export function workspaceBytes(conv: Convolution, domain: Domain): number {
  const { count, m, n, k } = positionsOf(conv, domain.tile, domain.positions);
  return count * (m * k + k * n + m * n) * valueBytes(domain);
}

function valueBytes({ complex, realBytes }: Domain): number {
  return (complex ? 2 : 1) * realBytes;
}

/** Kernels that transform both operands, multiply at all positions in one batch, and transform the result back. */
export function transformedCandidates(
  spec: GpuSpec,
  conv: Convolution,
  domain: Domain,
  tiles: readonly TileSpec[],
): Candidate[] {
  const { count, m, n, k } = positionsOf(conv, domain.tile, domain.positions);
  const bytes = convBytes(conv);
  const [leftBytes, rightBytes, resultBytes] = {
    forward: [bytes.input, bytes.weights, bytes.result],
    'input-gradient': [bytes.result, bytes.weights, bytes.input],
    'weight-gradient': [bytes.input, bytes.result, bytes.weights],
  }[conv.pass] as [number, number, number];
  // A complex product is a real one of twice the depth and twice the columns, where the right operand stands once as it is and
  // once turned by a quarter.
  const parts = domain.complex ? 2 : 1;
  const product: Product = {
    ...convProduct(conv),
    precision: domain.precision,
    operandBytes: domain.realBytes,
    resultBytes: domain.realBytes,
    batch: count,
    m,
    n: parts * n,
    k: parts * k,
    leftBytes: count * m * k * valueBytes(domain),
    rightBytes: count * k * n * valueBytes(domain),
    warmBytes: null,
  };
  const transposed = (of: string, size: number): Kernel[] =>
    domain.transposed ? [transposition(spec, `${domain.name} transposition of ${of}`, size * count, domain)] : [];
  const before = [
    transform(spec, conv, domain, 'left', leftBytes, m * k, true),
    ...transposed('left', m * k),
    transform(spec, conv, domain, 'right', rightBytes, k * n, true),
    ...transposed('right', k * n),
  ];
  const after = [...transposed('result', m * n), transform(spec, conv, domain, 'result', resultBytes, m * n, false)];
  // Products in a batch are not sliced, not even those of weight gradients that sum over all tiles.
  return slicedCandidates(spec, largeEnough(spec, tiles, product), product, 0).map((kernels) => [
    ...before,
    ...kernels,
    ...after,
  ]);
}

function transposition(spec: GpuSpec, name: string, elements: number, domain: Domain): Kernel {
  const bytes = valueBytes(domain);
  const offChip = offChipShare(spec, 2 * elements * bytes);
  return streamKernel(spec, {
    name,
    elements,
    readBytesPerElement: bytes,
    writeBytesPerElement: bytes,
    aluPerElement: 1,
    sfuPerElement: 0,
    offChipReadShare: offChip,
    offChipWriteShare: offChip,
  });
}

/** Brings `tiles` plain tiles to transformed ones, or back. */
export function transform(
  spec: GpuSpec,
  conv: Convolution,
  domain: Domain,
  of: string,
  plainBytes: number,
  tiles: number,
  to: boolean,
): Kernel {
  const values = tiles * domain.positions * valueBytes(domain);
  const [read, written] = to ? [plainBytes, values] : [values, plainBytes];
  return streamKernel(spec, {
    name: `${domain.name} transform of ${of}`,
    elements: tiles,
    readBytesPerElement: read / tiles,
    writeBytesPerElement: written / tiles,
    aluPerElement: domain.operations,
    sfuPerElement: 0,
    offChipReadShare: to && !conv.warm ? 1 : offChipShare(spec, read),
    offChipWriteShare: offChipShare(spec, written),
  });
}
