import { createHash } from 'node:crypto';
import { z } from 'zod';
import { InputError } from '../errors.ts';
import type { Values } from '../numerics/ops/values.ts';
import type { Mask } from './sparsity/mask.ts';
import type { TrainerState } from './trainer.ts';

/** What a run was started with, as one text: a checkpoint belongs to this and nothing else. */
export type RunIdentity = Readonly<Record<string, string | number>>;

/** What is different when only a fingerprint is: nobody can read fingerprints. */
const FINGERPRINTS: Readonly<Record<string, string>> = {
  networkHash: 'is of another network of this name, or of other feedback, propagation or checkpointing',
  dataHash: 'is of other data of this name',
};
const MAGIC = 'accsim.checkpoint/1';
const DIGEST_BYTES = 32;
const words = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const arrayHeader = z.strictObject({ name: z.string(), length: z.number().int().min(0) });
const header = z.strictObject({
  schema: z.literal(MAGIC),
  identity: z.record(z.string(), z.union([z.string(), z.number()])),
  step: z.number(),
  random: words,
  rounding: words,
  lossScale: z.strictObject({ step: z.number(), scale: z.number(), goodSteps: z.number() }).nullable(),
  epochs: z.array(
    z.strictObject({ loss: z.number(), trainAccuracy: z.number(), testAccuracy: z.number(), skippedSteps: z.number() }),
  ),
  tensors: z.array(arrayHeader),
  masks: z.strictObject({ random: words.nullable(), arrays: z.array(arrayHeader) }).nullable(),
});

/** Whether a file begins as checkpoints do. */
export function isCheckpoint(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, 64)).startsWith(`{"schema":"${MAGIC}"`);
}

/**
 * One line of JSON, then the values of all tensors as little-endian float32, then the masks, a byte an element, then the SHA-256 of
 * all that.
 */
export function encodeCheckpoint(identity: RunIdentity, state: TrainerState): Uint8Array {
  const { step, random } = state.session;
  const { rounding, lossScale, epochs } = state;
  const tensors = arrayHeaders(state.session.tensors);
  const masks = state.masks && { random: state.masks.random, arrays: arrayHeaders(state.masks.masks) };
  const fields = { schema: MAGIC, identity, step, random, rounding, lossScale, epochs, tensors, masks };
  const text = new TextEncoder().encode(`${JSON.stringify(fields)}\n`);
  const content = text.length + arrayBytes(tensors, masks?.arrays ?? []);
  const bytes = new Uint8Array(content + DIGEST_BYTES);
  bytes.set(text);
  const view = new DataView(bytes.buffer);
  let at = text.length;
  for (const values of state.session.tensors.values()) {
    for (const value of values) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  for (const mask of state.masks?.masks.values() ?? []) {
    bytes.set(mask, at);
    at += mask.length;
  }
  bytes.set(digest(bytes.subarray(0, content)), content);
  return bytes;
}

function digest(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

type ArrayHeader = z.infer<typeof arrayHeader>;

function arrayHeaders(arrays: ReadonlyMap<string, ArrayLike<number>>): ArrayHeader[] {
  return [...arrays].map(([name, { length }]) => ({ name, length }));
}

function arrayBytes(tensors: readonly ArrayHeader[], masks: readonly ArrayHeader[]): number {
  const count = (arrays: readonly ArrayHeader[]): number => arrays.reduce((sum, { length }) => sum + length, 0);
  return 4 * count(tensors) + count(masks);
}

/** The state in a checkpoint file. Throws InputError if it is damaged or of a run with other options. */
export function decodeCheckpoint(bytes: Uint8Array, where: string, identity: RunIdentity): TrainerState {
  const end = bytes.indexOf(10);
  const fields = parseHeader(new TextDecoder().decode(bytes.subarray(0, Math.max(0, end))), where);
  const differing = Object.keys(identity).filter((key) => fields.identity[key] !== identity[key]);
  if (differing.length > 0) {
    // Options tell more than the fingerprints of what follows from them.
    const options = differing.filter((key) => !key.endsWith('Hash'));
    throw new InputError(
      (options.length > 0 ? options : differing).map((key) => ({
        where: key in FINGERPRINTS ? where : `${where}: ${key}`,
        found: FINGERPRINTS[key] ?? `was ${fields.identity[key]}, now ${identity[key]}`,
        remedy: 'resume with the options, network and data it was started with',
      })),
    );
  }
  const expected = arrayBytes(fields.tensors, fields.masks?.arrays ?? []) + DIGEST_BYTES;
  if (bytes.length - end - 1 !== expected)
    throw InputError.of(
      where,
      `has ${bytes.length - end - 1} bytes of values, not ${expected}`,
      'it is cut short; use an older one',
    );
  const content = bytes.subarray(0, bytes.length - DIGEST_BYTES);
  if (!digest(content).every((byte, index) => byte === bytes[content.length + index]))
    throw InputError.of(where, 'is damaged: its checksum is not that of its content', 'use an older one');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tensors = new Map<string, Values>();
  let at = end + 1;
  for (const { name, length } of fields.tensors) {
    const values = new Float32Array(length);
    for (let index = 0; index < length; index++, at += 4) values[index] = view.getFloat32(at, true);
    tensors.set(name, values);
  }
  const masks = new Map<string, Mask>();
  for (const { name, length } of fields.masks?.arrays ?? []) {
    masks.set(name, bytes.slice(at, at + length));
    at += length;
  }
  const { step, random, rounding, lossScale, epochs } = fields;
  const kept = fields.masks && { masks, random: fields.masks.random };
  return { session: { step, random, tensors }, rounding, lossScale, epochs, masks: kept };
}

function parseHeader(line: string, where: string): z.infer<typeof header> {
  try {
    return header.parse(JSON.parse(line));
  } catch {
    throw InputError.of(where, 'is no checkpoint of a training run', 'name a file that --checkpoint wrote');
  }
}
