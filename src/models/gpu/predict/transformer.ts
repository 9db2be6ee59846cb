import { fastest } from '../lower/choose.ts';
import { gemmCandidates } from '../lower/gemm.ts';
import type { GpuSpec } from '../spec.ts';
import type { SmCache } from '../units/chip.ts';

/** Products of one call as PyTorch runs them: row by row, result written, not read. */
export interface ProductRow {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly precision: string;
  readonly operandBytes: number;
}

/**
 * What a host timer around one call and a synchronisation adds: fitted to the smallest rows of LLMCompass's A100 products. It
 * belongs to how they were taken, not to the machine.
 */
const HOST_US = 26;

/** Seconds of one call with a host timer around it; the same call was made just before. */
export function timedProductSeconds(spec: GpuSpec, row: ProductRow, cache: SmCache): number {
  const { batch, m, n, k, precision, operandBytes } = row;
  const leftBytes = batch * m * k * operandBytes;
  const rightBytes = batch * k * n * operandBytes;
  const resultBytes = operandBytes;
  const candidates = gemmCandidates(spec, {
    name: 'product',
    batch,
    m,
    n,
    k,
    precision,
    operandBytes,
    resultBytes,
    leftPitchBytes: k * operandBytes,
    rightPitchBytes: null,
    readsResult: false,
    leftBytes,
    rightBytes,
    warmBytes: leftBytes + rightBytes + batch * m * n * resultBytes,
  });
  return fastest(spec, candidates, cache).seconds + HOST_US / 1e6;
}
