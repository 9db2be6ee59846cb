import { describe, expect, it } from 'vitest';
import { Random } from '../../src/numerics/random.ts';
import { rounder } from '../../src/training/rounding.ts';
import { forwardTrace } from './execute/network.ts';
import { learner, PERCEPTRON, trainAll } from './learning.ts';

/** Distinct values in each block of so many weights. */
function perBlock(values: ArrayLike<number>, block: number): number[] {
  const all = Array.from(values);
  return Array.from(
    { length: Math.ceil(all.length / block) },
    (_, at) => new Set(all.slice(at * block, (at + 1) * block)).size,
  );
}

describe('formats in training', () => {
  it('dfp16: 16-bit integers with one exponent for each tensor', () => {
    const trainer = trainAll(learner({ precision: 'dfp16' }));
    expect(trainer.testAccuracy()).toBeGreaterThan(0.95);
    const weights = trainer.state().session.tensors.get('first.weight')!;
    const largest = Math.max(...weights.map(Math.abs));
    const unit = 2 ** (Math.floor(Math.log2(largest)) - 14);
    for (const weight of weights) expect(Number.isInteger(weight / unit)).toBe(true);
    expect(weights.some((weight) => !Number.isInteger(weight / unit / 4))).toBe(true);
  });

  it('ternary: three values in each block of 64, over master weights in fp32; biases stay as they are', () => {
    const { tensors: formats } = forwardTrace(PERCEPTRON, 1, 'ternary/fp32');
    const formatOf = (name: string) =>
      formats.find((tensor) => tensor.role === 'weight' && tensor.name === name)?.dtype;
    expect([formatOf('second.weight'), formatOf('second.bias')]).toEqual(['ternary', 'fp32']);
    const trainer = trainAll(learner({ precision: 'ternary/fp32' }));
    expect(trainer.testAccuracy()).toBeGreaterThan(0.9);
    const { tensors } = trainer.state().session;
    for (const count of perBlock(tensors.get('second.weight')!, 64)) expect(count).toBeLessThanOrEqual(3);
    expect(new Set(tensors.get('second.weight.master')!).size).toBeGreaterThan(300);
    expect(new Set(tensors.get('second.bias')!).size).toBeGreaterThan(10);
  });

  it('residual edges add terms where one is too far off', () => {
    const ternary = { blockElements: 64, toleratedError: 0.01, mostEdgesPerBlock: 2 };
    const trainer = trainAll(learner({ precision: 'ternary/fp32', changes: { ternary } }));
    const counts = perBlock(trainer.state().session.tensors.get('second.weight')!, 64);
    expect(Math.max(...counts)).toBeGreaterThan(3);
    // Three terms of three values each.
    expect(Math.max(...counts)).toBeLessThanOrEqual(27);
  });

  it.each(['ternary', 'int8', 'dfp16/int4'])('%s: refused, with what there is', (precision) => {
    const trace = forwardTrace(PERCEPTRON, 2, precision);
    expect(() => rounder(trace, 'nearest', Random.seeded(1))).toThrow(/dfp16, or with weights in ternary\/fp32/);
  });
});
