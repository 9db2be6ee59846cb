import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { type LastAxis, type RowPass, rowKernel } from './vector-rows.ts';

/** Mean; variance; normalised value with scale and shift. In 32-bit arithmetic, with conversions. */
const PASSES: readonly RowPass[] = [
  { alu: 2, sfu: 0 },
  { alu: 3, sfu: 0 },
  { alu: 5, sfu: 0 },
];
const MAX_THREADS = 256;

/** Layer normalisation with scale and shift. */
export function normKernels(spec: GpuSpec, norm: LastAxis): Kernel[] {
  return [rowKernel(spec, { ...norm, name: 'layer norm', passes: PASSES, maxThreads: MAX_THREADS })];
}
