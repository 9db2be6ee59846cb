import { describe, expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/training/checkpoint-file.ts';
import { type Pruning, sparsityOf } from '../../../src/training/sparsity/plan.ts';
import type { Trainer } from '../../../src/training/trainer.ts';
import { learner, trainAll } from '../learning.ts';

function pruned(pruning: Pruning, changes: { epochs?: number; rounds?: number } = {}): Trainer {
  return learner({ changes: { ...changes, sparsity: (options) => sparsityOf(pruning, options) } });
}

const WEIGHTS = ['first.weight', 'second.weight', 'classes.weight'];
/** Elements of the weights: 8 x 24, 24 x 16, 16 x 4. */
const SIZES = [192, 384, 64];

/** Weights that are not zero, by layer. */
function left(trainer: Trainer): number[] {
  const { tensors } = trainer.state().session;
  return WEIGHTS.map((name) => [...tensors.get(name)!].filter((value) => value !== 0).length);
}

const bits = (trainer: Trainer): unknown =>
  [...trainer.state().session.tensors].map(([name, values]) => [name, [...values]]);

describe('pruning by name', () => {
  it.each([1, 5])('magnitude, %i times: a fifth of all weights stays', (times) => {
    const trainer = trainAll(pruned({ method: 'magnitude', keep: 0.2, times }));
    expect(left(trainer).reduce((sum, one) => sum + one, 0)).toBe(128);
    expect(trainer.testAccuracy()).toBeGreaterThan(0.85);
  });

  it('magnitude: more and more goes between a quarter and three quarters of the run', () => {
    const trainer = pruned({ method: 'magnitude', keep: 0.2, times: 5 });
    const all = [0, 1, 2].map(() => {
      trainer.epoch(() => {});
      return left(trainer).reduce((sum, one) => sum + one, 0);
    });
    // Steps 105, 135 ... 225 of 300; after 195 the share pruned is 0.8 (1 - 0.2^3).
    expect(all[0]).toBe(640);
    expect(all[1]).toBe(640 - Math.round(640 * 0.8 * (1 - 0.2 ** 3)));
    expect(all[2]).toBe(128);
  });

  it('channels: whole ones, none of the results', () => {
    const trainer = trainAll(pruned({ method: 'channels', keep: 0.5, times: 1 }));
    expect(left(trainer)).toEqual([96, 192, 64]);
  });

  it('nm: so many of neighbours', () => {
    expect(left(trainAll(pruned({ method: 'nm', n: 2, m: 4 })))).toEqual(SIZES.map((size) => size / 2));
  });

  it('reallocate: as many weights from the first step to the last', () => {
    const trainer = pruned({ method: 'reallocate', keep: 0.25 });
    const placed = (): number =>
      [...trainer.state().masks!.masks.values()].flatMap((mask) => [...mask]).filter(Boolean).length;
    expect(placed()).toBe(160);
    trainAll(trainer);
    expect(placed()).toBe(160);
  });

  it('lasso: channels fall silent', () => {
    const trainer = trainAll(pruned({ method: 'lasso', strength: 0.1 }));
    expect(left(trainer)[0]).toBeLessThan(SIZES[0]!);
    expect(left(trainer)[2]).toBe(SIZES[2]);
  });

  it('lottery: each round begins again with its first weights, fewer each time', () => {
    const trainer = pruned({ method: 'lottery', keep: 0.25, rounds: 2 }, { epochs: 3, rounds: 3 });
    const first = new Map([...trainer.state().session.tensors].map(([name, values]) => [name, [...values]]));
    trainAll(trainer, 1);
    expect(left(trainer)).toEqual(SIZES);
    let rewound: number[] | null = null;
    trainer.epoch((step) => {
      if (step === 1) rewound = left(trainer);
    });
    expect(rewound).toEqual(SIZES.map((size) => size / 2));
    trainAll(trainer, 1);
    expect(left(trainer)).toEqual(SIZES.map((size) => size / 4));
    expect(trainer.state().session.step).toBe(trainer.stepsPerEpoch);
    expect(first.get('first.weight')).not.toEqual([...trainer.state().session.tensors.get('first.weight')!]);
  });

  it.each<Pruning>([
    { method: 'magnitude', keep: 0.2, times: 5 },
    { method: 'reallocate', keep: 0.25 },
    { method: 'lottery', keep: 0.25, rounds: 2 },
    { method: 'lasso', strength: 0.02 },
  ])('resumes bit for bit from a file: $method', (pruning) => {
    const make = (): Trainer => pruned(pruning, { rounds: pruning.method === 'lottery' ? 3 : 1 });
    const whole = trainAll(make());
    const stopped = trainAll(make(), 1);
    const file = encodeCheckpoint({}, stopped.state());
    const resumed = make();
    resumed.restore(decodeCheckpoint(file, 'test', {}));
    expect(bits(trainAll(resumed, 2))).toEqual(bits(whole));
    expect(resumed.state().masks).toEqual(whole.state().masks);
  });

  it('measures the densities that it has made', () => {
    const trainer = trainAll(pruned({ method: 'nm', n: 1, m: 4 }));
    const densities = [...trainer.densities().values()];
    expect(densities.filter((density) => density === 0.25)).toHaveLength(3);
    expect(densities.some((density) => density > 0.25 && density < 0.9)).toBe(true);
  });
});
