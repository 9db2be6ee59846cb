import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { readTrace } from '../../../src/trace/read.ts';
import { writeTrace } from '../../../src/trace/write.ts';
import { hasPattern, readPattern, withPattern } from '../../../src/training/sparsity/pattern.ts';
import { sparsityOf } from '../../../src/training/sparsity/plan.ts';
import { criterion } from '../../../src/training/sparsity/selection.ts';
import { magnitude } from '../../../src/training/sparsity/saliency.ts';
import { ofNeighbours } from '../../../src/training/sparsity/structured.ts';
import { loadTrace } from '../../../src/workload/load.ts';
import { forwardTrace } from '../execute/network.ts';
import { learner, PERCEPTRON, trainAll } from '../learning.ts';

const TWO_OF_FOUR = { n: 2, m: 4 };
const patterned = (trace: ReturnType<typeof loadTrace>): string[] =>
  trace.tensors.filter(({ pattern }) => pattern !== undefined).map(({ name }) => name);

describe('the pattern of a weight', () => {
  // One output of eight channels; then two channels of four taps, the group going across the channels.
  const row = { name: 'row', outputs: 1, channels: 8, taps: 1, outputStride: 8, channelStride: 1 };
  const filter = { name: 'filter', outputs: 1, channels: 4, taps: 2, outputStride: 8, channelStride: 2 };

  it.each([
    [row, [1, 2, 0, 0, 0, 3, 0, 4], true],
    [row, [1, 2, 3, 0, 0, 0, 0, 4], false],
    [row, [0, 0, 0, 0, 0, 0, 0, 0], true],
    // Taps 0: 1 0 1 0; taps 1: 1 1 0 0.
    [filter, [1, 1, 0, 1, 1, 0, 0, 0], true],
    // Taps 0: 1 1 1 0.
    [filter, [1, 0, 1, 0, 1, 0, 0, 0], false],
  ])('%o with %j: %s', (layout, values, expected) => {
    expect(hasPattern({ layout, values: Float32Array.from(values) }, TWO_OF_FOUR)).toBe(expected);
  });

  it('needs whole groups', () => {
    const layout = { name: 'six', outputs: 1, channels: 6, taps: 1, outputStride: 6, channelStride: 1 };
    expect(hasPattern({ layout, values: new Float32Array(6) }, TWO_OF_FOUR)).toBe(false);
  });

  it('is what pruning by neighbours leaves', () => {
    const sizes = fc.record({ outputs: fc.integer({ min: 1, max: 4 }), groups: fc.integer({ min: 1, max: 4 }) });
    const pattern = fc.constantFrom({ n: 1, m: 2 }, { n: 2, m: 4 }, { n: 3, m: 8 });
    fc.assert(
      fc.property(
        sizes,
        pattern,
        fc.infiniteStream(fc.integer({ min: 1, max: 99 })),
        ({ outputs, groups }, nm, numbers) => {
          const channels = groups * nm.m;
          const layout = { name: 'any', outputs, channels, taps: 1, outputStride: channels, channelStride: 1 };
          const values = Float32Array.from({ length: outputs * channels }, () => numbers.next().value as number);
          expect(hasPattern({ layout, values }, nm)).toBe(false);
          const mask = criterion(magnitude, ofNeighbours(nm.n, nm.m))([{ layout, values }], 1).get('any')!;
          const left = values.map((value, index) => value * mask[index]!);
          expect(hasPattern({ layout, values: left }, nm)).toBe(true);
          // One more in a group that is full.
          left[mask.indexOf(0)] = 1;
          expect(hasPattern({ layout, values: left }, nm)).toBe(false);
        },
      ),
      { seed: 20261121, numRuns: 50 },
    );
  });
});

describe('a trace with a pattern', () => {
  it('has it in weights of products and convolutions whose channels divide, and nowhere else', () => {
    // The convolutions have 1 and 20 channels, the linear layers 800 and 500 features.
    const lenet = loadTrace('lenet-5', { phase: 'inference', sparsity: TWO_OF_FOUR }, 'fp16');
    const weights = lenet.tensors.filter(({ role, shape }) => role === 'weight' && shape.length > 1);
    expect(weights.map(({ pattern }) => pattern !== undefined)).toEqual([false, true, true, true]);
    expect(patterned(lenet)).toHaveLength(3);
  });

  it('has it where the trained weights have it', () => {
    const step = forwardTrace(PERCEPTRON, 20, 'fp32');
    const untouched = trainAll(learner());
    expect(patterned(withPattern(step, TWO_OF_FOUR, untouched.hasPattern(TWO_OF_FOUR)))).toEqual([]);
    const pruning = { method: 'nm', ...TWO_OF_FOUR } as const;
    const pruned = trainAll(learner({ changes: { sparsity: (options) => sparsityOf(pruning, options) } }));
    const names = ['first.weight', 'second.weight', 'classes.weight'];
    const marked = withPattern(step, pruning, pruned.hasPattern(pruning));
    expect(patterned(marked)).toEqual(names);
    // What is written can be read: nothing of the pruning but the pattern is in it.
    expect(readTrace(writeTrace(marked), 'marked')).toEqual(marked);
  });
});

describe('reading N:M', () => {
  it('takes two numbers', () => {
    expect(readPattern('2:4', '--sparsity')).toEqual(TWO_OF_FOUR);
  });

  it.each(['', '2', '4:2', '4:4', '0:4', '2:4:8', '2:400', 'two:four', '-1:4'])('refuses %j', (text) => {
    expect(() => readPattern(text, '--sparsity')).toThrow(InputError);
    expect(() => readPattern(text, '--sparsity')).toThrow('2:4');
  });
});
