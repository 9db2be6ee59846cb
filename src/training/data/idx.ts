import { InputError } from '../../errors.ts';
import { elements } from '../../trace/facts.ts';
import type { Samples } from './dataset.ts';

/** IDX, the format of MNIST (LeCun): two zero bytes, a type, the number of lengths, the lengths, big-endian; then the values. */
const UNSIGNED_BYTES = 8;

/** An array of unsigned bytes in IDX format. Throws InputError for another type and for files of another length than they say. */
export function parseIdx(bytes: Uint8Array, where: string): { shape: number[]; data: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isIdx = bytes.length >= 4 && view.getUint16(0) === 0 && bytes.length >= 4 + 4 * bytes[3]!;
  if (!isIdx) throw InputError.of(where, 'is no IDX file', 'give files as MNIST has them, uncompressed');
  if (bytes[2] !== UNSIGNED_BYTES)
    throw InputError.of(where, `holds IDX type ${bytes[2]}`, 'use unsigned bytes (type 8)');
  const shape = Array.from({ length: bytes[3]! }, (_, axis) => view.getUint32(4 + 4 * axis));
  const start = 4 + 4 * shape.length;
  if (bytes.length - start !== elements(shape))
    throw InputError.of(
      where,
      `has ${bytes.length - start} values where its lengths ${shape.join(' x ')} say ${elements(shape)}`,
      'the file is cut short or damaged; fetch it again',
    );
  return { shape, data: bytes.subarray(start) };
}

/** Images and their labels from two IDX files. */
export function idxSamples(
  images: { readonly bytes: Uint8Array; readonly where: string },
  labels: { readonly bytes: Uint8Array; readonly where: string },
): { samples: Samples; shape: number[] } {
  const { shape, data } = parseIdx(images.bytes, images.where);
  const classes = parseIdx(labels.bytes, labels.where);
  const [count = 0, ...size] = shape;
  if (classes.shape.length !== 1 || classes.data.length !== count)
    throw InputError.of(
      labels.where,
      `has ${classes.data.length} labels for ${count} images`,
      'give files that belong together',
    );
  const sample = size.length === 2 ? [1, ...size] : size;
  return { samples: { count, values: data, labels: classes.data }, shape: sample };
}
