import { describe, expect, it } from 'vitest';
import { plainContractions } from '../../../src/numerics/ops/plain-contractions.ts';
import { Random } from '../../../src/numerics/random.ts';
import { Session } from '../../../src/training/execute/session.ts';
import { bucketByLength, paddingSteps } from '../../../src/training/scaling/length-buckets.ts';
import { atLeast } from '../../../src/training/scaling/largest.ts';
import { trainingTrace } from '../execute/network.ts';

const LONGEST = 12;
const BATCH = 10;

/** Sequences of 3 to 12 numbers; the class says whether the first two add up to more than 0. */
function sequences(count: number): { readonly values: number[][]; readonly classes: number[] } {
  const random = Random.seeded(8);
  const values = Array.from({ length: count }, () =>
    Array.from({ length: 3 + random.below(LONGEST - 2) }, () => random.normal()),
  );
  return { values, classes: values.map((sequence) => (sequence[0]! + sequence[1]! > 0 ? 1 : 0)) };
}

describe('batches by length', () => {
  it('take four sequences in two pairs of one length', () => {
    const batches = bucketByLength([5, 2, 5, 2], 2, 1, Random.seeded(1));
    const sorted = batches
      .map(({ sequences: members, length }) => ({ members: [...members].sort(), length }))
      .sort((one, other) => one.length - other.length);
    expect(sorted).toEqual([
      { members: [1, 3], length: 2 },
      { members: [0, 2], length: 5 },
    ]);
    expect(paddingSteps(batches, [5, 2, 5, 2])).toBe(0);
  });

  it('count the steps of padding', () => {
    // Rounded up to multiples of 4: 3 -> 4, 4 -> 4, 5 -> 8, 8 -> 8; 1 + 0 + 3 + 0 steps of padding.
    const lengths = [3, 5, 4, 8];
    expect(paddingSteps(bucketByLength(lengths, 2, 4, Random.seeded(1)), lengths)).toBe(4);
  });

  it('pad less the finer the lengths are told apart, and hold every sequence once', () => {
    const lengths = sequences(200).values.map(({ length }) => length);
    const padding = [1, 4, LONGEST].map((granularity) => {
      const batches = bucketByLength(lengths, BATCH, granularity, Random.seeded(2));
      expect(batches.flatMap(({ sequences: members }) => members).sort((a, b) => a - b)).toEqual([...lengths.keys()]);
      return paddingSteps(batches, lengths);
    });
    expect(padding[0]).toBeLessThan(padding[1]! / 2);
    expect(padding[1]).toBeLessThan(padding[2]! / 2);
  });

  it('train a recurrent network with one trace for each length, on the same weights', () => {
    const { values, classes } = sequences(200);
    const lengths = values.map(({ length }) => length);
    const options = { seed: 1, contractions: plainContractions() };
    const text = (length: number): string => `input: [${length}, 1]
layers:
  - rnn: { name: recurrent, hidden: 8, bidirectional: true }
  - step: { name: first }
  - linear: { name: classes, out: 2 }
`;
    const first = new Session(trainingTrace(text(4), BATCH, 'sgd'), options);
    const ofLength = new Map([[4, first]]);
    const losses: number[] = [];
    for (let epoch = 0; epoch < 30; epoch++) {
      let sum = 0;
      const batches = bucketByLength(lengths, BATCH, 4, Random.named(3, `epoch ${epoch}`));
      for (const { sequences: members, length } of batches) {
        if (!ofLength.has(length))
          ofLength.set(
            length,
            new Session(trainingTrace(text(length), BATCH, 'sgd'), { ...options, weightsOf: first }),
          );
        const session = ofLength.get(length)!;
        const target = session.trace.tensors.find(({ name }) => name.endsWith('.target'))!.name;
        // Read backward, padding comes first and the sequence ends at its first step.
        const input = members.flatMap((member) => [...values[member]!, ...Array(length - lengths[member]!).fill(0)]);
        session.run({ input, [target]: members.map((member) => classes[member]!) }, { learningRate: 0.03 });
        sum += session.loss!;
      }
      losses.push(sum / batches.length);
    }
    expect([...ofLength.keys()].sort((a, b) => a - b)).toEqual([4, 8, 12]);
    expect(losses[0]).toBeGreaterThan(0.5);
    expect(losses.at(-1)).toBeLessThan(0.3);
  });

  it('refuse lengths that cannot be, and too few sequences', () => {
    expect(() => bucketByLength([3, 0], 1, 1, Random.seeded(1))).toThrow('sequence 1: length 0');
    expect(() => bucketByLength([3, 2], 3, 1, Random.seeded(1))).toThrow('3 of 2 sequences');
  });
});

describe('the largest', () => {
  it('are those that sorting gives', () => {
    const random = Random.seeded(9);
    for (let length = 1; length < 60; length++) {
      const values = Float64Array.from({ length }, () => random.below(20));
      const count = 1 + random.below(length);
      expect(atLeast(values.slice(), count)).toBe(values.toSorted()[length - count]);
    }
  });
});
