import { type DType, DTYPES } from '../../../trace/trace.ts';
import { fastest } from '../lower/choose.ts';
import { convCandidates } from '../lower/conv.ts';
import type { Convolution } from '../lower/convolution.ts';
import type { GpuSpec } from '../spec.ts';
import type { SmCache } from '../units/chip.ts';

/** A convolution as DeepBench times it: one pass, the same buffers again and again. */
export interface ConvRow {
  readonly pass: Convolution['pass'];
  /** Input columns, rows and channels, images, filters, filter columns and rows. */
  readonly w: number;
  readonly h: number;
  readonly c: number;
  readonly n: number;
  readonly k: number;
  readonly s: number;
  readonly r: number;
  readonly padW: number;
  readonly padH: number;
  readonly strideW: number;
  readonly strideH: number;
  readonly precision: string;
}

/** DeepBench pads channels and filters to so many for tensor cores, both if one of them is not a multiple. */
const PADDING = 8;

/**
 * Seconds of one call among many. The machine must have the precision; sums are in fp32 on tensor cores.
 */
export function convSeconds(spec: GpuSpec, row: ConvRow, cache: SmCache): number {
  const { pass, w, h, n, s, r } = row;
  // Sums of tensor cores are asked for in fp32; plain pipes multiply and add in fp16, as rates beyond the fp32 peak of a P100 prove.
  const wide = `${row.precision}+fp32`;
  const precision = spec.math[wide]?.unit === 'tensor' ? wide : row.precision;
  const tensor = spec.math[precision]!.unit === 'tensor';
  const padded = (size: number): number => (tensor ? Math.ceil(size / PADDING) * PADDING : size);
  const bytes = DTYPES[row.precision as DType] / 8;
  const candidates = convCandidates(spec, {
    name: 'conv',
    pass,
    n,
    c: padded(row.c),
    h,
    w,
    k: padded(row.k),
    r,
    s,
    p: Math.floor((h + 2 * row.padH - r) / row.strideH) + 1,
    q: Math.floor((w + 2 * row.padW - s) / row.strideW) + 1,
    stride: [row.strideH, row.strideW],
    dilation: [1, 1],
    padding: [row.padH, row.padW],
    groups: 1,
    layout: tensor ? 'NHWC' : 'NCHW',
    precision,
    operandBytes: bytes,
    resultBytes: bytes,
    // Its fp16 calls name the algorithm and allow tensor cores, whatever is faster.
    tensorOnly: true,
    warm: true,
  });
  return fastest(spec, candidates, cache).seconds;
}
