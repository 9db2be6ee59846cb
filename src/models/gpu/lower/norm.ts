import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { type RowPass, rowKernel } from './vector-rows.ts';

/** Layer normalisation over the last axis, with scale and shift. */
export interface LayerNorm {
  readonly rows: number;
  readonly columns: number;
  readonly elementBytes: number;
  readonly warmBytes: number | null;
}

/** Mean; variance; normalised value with scale and shift. In 32-bit arithmetic, with conversions. */
const PASSES: readonly RowPass[] = [
  { alu: 2, sfu: 0 },
  { alu: 3, sfu: 0 },
  { alu: 5, sfu: 0 },
];
const MAX_THREADS = 256;

export function normKernels(spec: GpuSpec, norm: LayerNorm): Kernel[] {
  return [rowKernel(spec, { ...norm, name: 'layer norm', passes: PASSES, maxThreads: MAX_THREADS })];
}
