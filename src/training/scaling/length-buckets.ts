import { InputError } from '../../errors.ts';
import type { Random } from '../../numerics/random.ts';

/** Sequences that run together, each padded to the longest of them. */
export interface LengthBatch {
  /** Which sequences. */
  readonly sequences: readonly number[];
  /** Steps each of them takes. */
  readonly length: number;
}

/**
 * Mini-batches of sequences of similar lengths: the sequences are sorted by length rounded up to a multiple of `granularity`, those of
 * one such length in a random order, cut into batches, and the batches shuffled (Sutskever 2014 sorts so). Sequences that fill no batch,
 * the longest, are left out. With a granularity of at least the longest length the batches are random. Throws InputError for
 * lengths below 1, or fewer than a batch.
 */
export function bucketByLength(
  lengths: readonly number[],
  batch: number,
  granularity: number,
  random: Random,
): LengthBatch[] {
  const wrong = lengths.findIndex((length) => !Number.isInteger(length) || length < 1);
  if (wrong >= 0) throw InputError.of(`sequence ${wrong}`, `length ${lengths[wrong]}`, 'use whole lengths from 1 on');
  if (lengths.length < batch)
    throw InputError.of('--batch', `${batch} of ${lengths.length} sequences`, 'use at most as many as there are');
  const padded = (sequence: number): number => Math.ceil(lengths[sequence]! / granularity) * granularity;
  const order = shuffle([...lengths.keys()], random).sort((one, other) => padded(one) - padded(other));
  const batches = Array.from({ length: Math.floor(order.length / batch) }, (_, index) => {
    const sequences = order.slice(index * batch, (index + 1) * batch);
    const longest = Math.max(...sequences.map((sequence) => lengths[sequence]!));
    return { sequences, length: Math.ceil(longest / granularity) * granularity };
  });
  return shuffle(batches, random);
}

/** Steps of all batches that no sequence needs. */
export function paddingSteps(batches: readonly LengthBatch[], lengths: readonly number[]): number {
  return batches.reduce(
    (sum, { sequences, length }) =>
      sum + sequences.reduce((padding, sequence) => padding + length - lengths[sequence]!, 0),
    0,
  );
}

function shuffle<Item>(items: Item[], random: Random): Item[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}
