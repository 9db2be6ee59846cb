import { z } from 'zod';
import { InputError } from '../errors.ts';
import type { Values } from '../numerics/ops/values.ts';
import type { TrainerState } from './trainer.ts';

/** What a run was started with, as one text: a checkpoint belongs to this and nothing else. */
export type RunIdentity = Readonly<Record<string, string | number>>;

const MAGIC = 'accsim.checkpoint/1';
const words = z.tuple([z.number(), z.number(), z.number(), z.number()]);
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
  tensors: z.array(z.strictObject({ name: z.string(), length: z.number().int().min(0) })),
});

/** Whether a file begins as checkpoints do. */
export function isCheckpoint(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, 64)).startsWith(`{"schema":"${MAGIC}"`);
}

/** One line of JSON, then the values of all tensors as little-endian float32, one after the other. */
export function encodeCheckpoint(identity: RunIdentity, state: TrainerState): Uint8Array {
  const tensors = [...state.session.tensors].map(([name, values]) => ({ name, length: values.length }));
  const { step, random } = state.session;
  const { rounding, lossScale, epochs } = state;
  const line = `${JSON.stringify({ schema: MAGIC, identity, step, random, rounding, lossScale, epochs, tensors })}\n`;
  const text = new TextEncoder().encode(line);
  const count = tensors.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(text.length + 4 * count);
  bytes.set(text);
  const view = new DataView(bytes.buffer);
  let at = text.length;
  for (const values of state.session.tensors.values()) {
    for (const value of values) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

/** The state in a checkpoint file. Throws InputError if it is damaged or of a run with other options. */
export function decodeCheckpoint(bytes: Uint8Array, where: string, identity: RunIdentity): TrainerState {
  const end = bytes.indexOf(10);
  const fields = parseHeader(new TextDecoder().decode(bytes.subarray(0, Math.max(0, end))), where);
  const differing = Object.keys(identity).filter((key) => fields.identity[key] !== identity[key]);
  if (differing.length > 0) {
    throw new InputError(
      differing.map((key) => ({
        where: `${where}: ${key}`,
        found: `was ${fields.identity[key]}, now ${identity[key]}`,
        remedy: 'resume with the options it was started with',
      })),
    );
  }
  const count = fields.tensors.reduce((sum, { length }) => sum + length, 0);
  if (bytes.length - end - 1 !== 4 * count)
    throw InputError.of(
      where,
      `has ${bytes.length - end - 1} bytes of values, not ${4 * count}`,
      'it is cut short; use an older one',
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tensors = new Map<string, Values>();
  let at = end + 1;
  for (const { name, length } of fields.tensors) {
    const values = new Float32Array(length);
    for (let index = 0; index < length; index++, at += 4) values[index] = view.getFloat32(at, true);
    tensors.set(name, values);
  }
  const { step, random, rounding, lossScale, epochs } = fields;
  return { session: { step, random, tensors }, rounding, lossScale, epochs };
}

function parseHeader(line: string, where: string): z.infer<typeof header> {
  try {
    return header.parse(JSON.parse(line));
  } catch {
    throw InputError.of(where, 'is no checkpoint of a training run', 'name a file that --checkpoint wrote');
  }
}
