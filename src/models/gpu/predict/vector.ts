import { timed } from '../lower/choose.ts';
import { normKernels } from '../lower/norm.ts';
import { softmaxKernels } from '../lower/softmax.ts';
import { elementwiseKernels } from '../lower/vector.ts';
import type { GpuSpec } from '../spec.ts';
import type { SmCache } from '../units/chip.ts';

/** An operation over the last axis of rows x columns, or on each element, as PyTorch runs it. */
export interface VectorRow {
  readonly op: 'softmax' | 'layernorm' | 'gelu_tanh';
  readonly rows: number;
  readonly columns: number;
  readonly elementBytes: number;
}

/**
 * What a host timer around one call and a synchronisation adds, microseconds: fitted to the smallest rows of LLMCompass's A100
 * measurements. It belongs to how they were taken, not to the machine. Layer norm and GELU run through torch.compile.
 */
const HOST_US = { softmax: 10, layernorm: 48, gelu_tanh: 42 } as const;

/** Multiplications of the polynomial and of tanh's two special functions, and their conversions. */
const GELU = { aluPerElement: 8, sfuPerElement: 2 } as const;

/** Seconds of one call with a host timer around it; the same call was made just before. */
export function vectorSeconds(spec: GpuSpec, row: VectorRow, cache: SmCache): number {
  return vectorKernelSeconds(spec, row, cache) + HOST_US[row.op] / 1e6;
}

/** The same without the host's share. */
export function vectorKernelSeconds(
  spec: GpuSpec,
  { op, rows, columns, elementBytes }: VectorRow,
  cache: SmCache,
): number {
  const warmBytes = 2 * rows * columns * elementBytes;
  const shape = { rows, columns, elementBytes, warmBytes };
  switch (op) {
    case 'softmax':
      return timed(spec, softmaxKernels(spec, shape), cache).seconds;
    case 'layernorm':
      return timed(spec, normKernels(spec, shape), cache).seconds;
    case 'gelu_tanh': {
      const bytes = { readBytesPerElement: elementBytes, writeBytesPerElement: elementBytes };
      const gelu = { name: 'gelu', elements: rows * columns, ...bytes, ...GELU, warmBytes };
      return timed(spec, elementwiseKernels(spec, gelu), cache).seconds;
    }
  }
}
