import { type DType, DTYPES } from '../../../trace/trace.ts';
import { fastest } from '../lower/choose.ts';
import { gemmCandidates } from '../lower/gemm.ts';
import type { GpuSpec } from '../spec.ts';
import type { SmCache } from '../units/chip.ts';

/** A product as DeepBench times it: column by column, C = op(A) op(B) + C, the same buffers again and again. */
export interface GemmRow {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly precision: string;
}

/** DeepBench pads to so many elements what tensor cores multiply: M and K, or M and N if B is transposed. */
const PADDING = 8;

/** Products of whole numbers are stored as they are summed up. */
const WHOLE_SUM_BYTES = 4;

/** fp16 is summed in fp16 where tensor cores multiply it, else it is only stored so and multiplied in fp32 ("pseudo half"). */
export function deepbenchMath(spec: GpuSpec, precision: string): string {
  const wide = `${precision}+fp32`;
  return spec.math[precision]?.unit === 'tensor' || spec.math[wide] === undefined ? precision : wide;
}

/** Seconds of one call among many. The machine must have the precision. */
export function gemmSeconds(spec: GpuSpec, row: GemmRow, cache: SmCache): number {
  const precision = deepbenchMath(spec, row.precision);
  const unit = spec.math[precision]!.unit === 'tensor' ? PADDING : 1;
  const padded = (size: number): number => Math.ceil(size / unit) * unit;
  const m = padded(row.m);
  const [n, k] = row.transposeB ? [padded(row.n), row.k] : [row.n, padded(row.k)];
  const bytes = DTYPES[row.precision as DType] / 8;
  const elementBytes = bytes < 2 ? WHOLE_SUM_BYTES : bytes;
  const [leftBytes, rightBytes, resultBytes] = [m * k * bytes, k * n * bytes, m * n * elementBytes];
  const candidates = gemmCandidates(spec, {
    name: 'gemm',
    batch: 1,
    m,
    n,
    k,
    precision,
    operandBytes: bytes,
    resultBytes: elementBytes,
    leftPitchBytes: row.transposeA ? k * bytes : null,
    rightPitchBytes: row.transposeB ? null : k * bytes,
    readsResult: true,
    leftBytes,
    rightBytes,
    warmBytes: leftBytes + rightBytes + 2 * resultBytes,
  });
  return fastest(spec, candidates, cache).seconds;
}
