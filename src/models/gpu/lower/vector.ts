import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { keptRate } from '../units/reuse.ts';
import { streamKernel } from './stream.ts';

/** A function of each element by itself. */
export interface Elementwise {
  readonly name: string;
  readonly elements: number;
  readonly readBytesPerElement: number;
  readonly writeBytesPerElement: number;
  readonly aluPerElement: number;
  readonly sfuPerElement: number;
  readonly warmBytes: number | null;
}

export function elementwiseKernels(spec: GpuSpec, { warmBytes, ...stream }: Elementwise): Kernel[] {
  const coldShare = warmBytes === null ? 1 : 1 - keptRate(warmBytes, spec.l2.sizeKiB * 1024);
  return [streamKernel(spec, { ...stream, offChipReadShare: coldShare, offChipWriteShare: coldShare })];
}
