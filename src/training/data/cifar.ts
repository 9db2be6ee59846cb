import { InputError } from '../../errors.ts';
import type { Samples } from './dataset.ts';

/** Binary CIFAR: a label (CIFAR-100: a coarse one before it), then 3 x 32 x 32 bytes (Krizhevsky). */
const PIXELS = 3 * 32 * 32;
export const CIFAR_SHAPE = [3, 32, 32] as const;

/** Samples of one binary file. `labelBytes` is 1 for CIFAR-10, 2 for CIFAR-100, of which the last (fine) label counts. */
export function parseCifar(bytes: Uint8Array, labelBytes: 1 | 2, where: string): Samples {
  const record = labelBytes + PIXELS;
  if (bytes.length === 0 || bytes.length % record !== 0)
    throw InputError.of(where, `has ${bytes.length} bytes`, `a CIFAR file has a multiple of ${record}; fetch it again`);
  const count = bytes.length / record;
  const values = new Uint8Array(count * PIXELS);
  const labels = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    const start = index * record;
    labels[index] = bytes[start + labelBytes - 1]!;
    values.set(bytes.subarray(start + labelBytes, start + record), index * PIXELS);
  }
  return { count, values, labels };
}
