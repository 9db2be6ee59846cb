import type { GpuSpec, TileSpec } from '../spec.ts';
import { type Convolution, convBytes } from './convolution.ts';
import type { Candidate } from './gemm.ts';
import { type Domain, transformedCandidates, workspaceBytes } from './transformed.ts';

/**
 * Convolution by Fourier transforms, in tiles or of whole images, with the limits that cuDNN states for its FFT and FFT_TILING algorithms
 * (cuDNN developer guide, cudnnConvolutionForward): unit stride and dilation, filters larger than their padding, whole
 * images of up to 256 x 256 with their padding, tiles of 32 x 32, or of 256 along the longer side of a filter that is one wide.
 * cuDNN's kernels transform in fp32, whatever tensors are stored in; transpositions stand between transforms and products (Vasilache
 * et al., "Fast Convolutional Nets With fbfft", 2015).
 */
const PRECISION = 'fp32';
const REAL_BYTES = 4;
const TILE = 32;
const LONG_TILE = 256;
const MAX_IMAGE = 256;
/** The smallest of cuDNN's kernels for whole images: fft2d_r2c_16x16. */
const MIN_IMAGE = 16;
/** Rows of the largest of cuDNN's kernels for complex products: cgemm_32x32, 64x32, 64x64. */
const MAX_ROWS = 64;

/** Ways by Fourier transforms whose workspace fits into memory beside the tensors. */
export function fftCandidates(spec: GpuSpec, conv: Convolution): Candidate[] {
  const { r, s, stride, dilation, groups, padding, operandBytes, precision } = conv;
  const plain = stride[0] * stride[1] * dilation[0] * dilation[1] * groups === 1;
  // A 1 x 1 filter is a product as it stands; whole numbers do not survive the transform.
  if (!plain || r * s === 1 || padding[0] >= r || padding[1] >= s || operandBytes < 2) return [];
  // Nor are there kernels where sums are in half precision.
  if (spec.math[precision]!.accumulatorBytes < 4 || spec.math[PRECISION]?.unit !== 'cuda') return [];
  const freeBytes = spec.memory.sizeGiB * 2 ** 30 - convBytes(conv).all;
  return [tiled(conv), whole(conv)]
    .filter((domain) => domain !== null)
    .filter((domain) => workspaceBytes(conv, domain) <= freeBytes)
    .flatMap((domain) => transformedCandidates(spec, conv, domain, complexTiles(spec)));
}

/** Tiles overlap by what the filter reaches beyond a result. */
function tiled({ r, s }: Convolution): Domain | null {
  const [rows, columns] = r === 1 ? [1, LONG_TILE] : s === 1 ? [LONG_TILE, 1] : [TILE, TILE];
  return r > rows || s > columns ? null : domain([rows, columns], [rows - r + 1, columns - s + 1]);
}

/** One tile holds an image with its padding: what wraps around falls on results that are not kept. */
function whole({ pass, h, w, p, q, r, s }: Convolution): Domain | null {
  const side = (padded: number): number => 2 ** Math.ceil(Math.log2(Math.max(MIN_IMAGE, padded)));
  const [rows, columns] = [side(p + r - 1), side(q + s - 1)];
  if (rows > MAX_IMAGE || columns > MAX_IMAGE) return null;
  return domain([rows, columns], pass === 'input-gradient' ? [h, w] : [p, q]);
}

/** The transform of real values is symmetric, so that half of the frequencies along one side say it all. */
function domain([rows, columns]: readonly [number, number], tile: readonly [number, number]): Domain {
  const points = rows * columns;
  const [kept, halved] = rows === 1 || columns === 1 ? [1, points] : [rows, columns];
  return {
    name: 'fft',
    tile,
    positions: kept * (halved / 2 + 1),
    complex: true,
    realBytes: REAL_BYTES,
    precision: PRECISION,
    // Half of what a complex transform takes: 5 N log2 N additions and multiplications.
    operations: 2.5 * points * Math.log2(points),
    transposed: true,
  };
}

function complexTiles({ library }: GpuSpec): readonly TileSpec[] {
  const low = library.cudaTiles.filter(({ m }) => m <= MAX_ROWS);
  return low.length > 0 ? low : library.cudaTiles;
}
