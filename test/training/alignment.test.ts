import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { totalMacs } from '../../src/trace/facts.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { type Feedback, FEEDBACKS } from '../../src/training/alignment.ts';
import { trainingStep } from '../../src/training/step.ts';
import { parsePrecision } from '../../src/workload/precision.ts';
import { exactSession, forwardTrace, inputsFor } from './execute/network.ts';
import { learner, PERCEPTRON, trainAll } from './learning.ts';

const CONVOLUTIONS = `input: [2, 6, 6]
layers:
  - conv: { name: first, out: 4, kernel: 3, padding: 1, act: relu }
  - conv: { name: second, out: 3, kernel: 3, stride: 2, act: tanh }
  - flatten: {}
  - linear: { name: classes, out: 5 }
`;

function step(text: string, feedback: Feedback, batch = 2, precision = 'fp32'): Trace {
  return trainingStep(forwardTrace(text, batch, precision), {
    optimizer: 'gd',
    precision: parsePrecision(precision),
    feedback,
  });
}

function feedbackOf(tensors: ReadonlyMap<string, ArrayLike<number>>): [string, number[]][] {
  return [...tensors].flatMap(([name, values]) =>
    name.endsWith('.feedback') ? [[name, Array.from(values)] as [string, number[]]] : [],
  );
}

/** What one step of descent at rate 1 takes off each weight. */
function gradients(trace: Trace): Map<string, number[]> {
  const session = exactSession(trace);
  const names = trace.tensors.flatMap(({ name, role }) => (role === 'weight' ? [name] : []));
  const before = new Map(names.map((name) => [name, Array.from(session.weight(name))]));
  session.run(inputsFor(trace), { learningRate: 1 });
  return new Map(names.map((name) => [name, before.get(name)!.map((value, at) => value - session.weight(name)[at]!)]));
}

describe('feedback', () => {
  it.each(FEEDBACKS)('%s: a perceptron learns, and what is fixed stays fixed', (feedback) => {
    const trainer = learner({ feedback });
    const before = feedbackOf(trainer.state().session.tensors);
    expect(before).toHaveLength(feedback === 'backpropagation' ? 0 : 2);
    for (const [, values] of before) expect(new Set(values).size).toBeGreaterThan(values.length / 2);
    expect(trainAll(trainer).testAccuracy()).toBeGreaterThan(0.9);
    expect(feedbackOf(trainer.state().session.tensors)).toEqual(before);
  });

  it('changes the gradients of hidden layers, not of the last', () => {
    for (const text of [PERCEPTRON, CONVOLUTIONS]) {
      const [exact, ...others] = FEEDBACKS.map((feedback) => gradients(step(text, feedback)));
      for (const other of others)
        for (const [name, values] of exact!) {
          if (name.startsWith('classes')) expect(other.get(name), name).toEqual(values);
          else expect(other.get(name), name).not.toEqual(values);
        }
    }
  });

  it('is backpropagation where the fixed tensors are the weights', () => {
    for (const text of [PERCEPTRON, CONVOLUTIONS]) {
      const trace = step(text, 'alignment');
      const session = exactSession(trace);
      const { tensors } = session.checkpoint();
      for (const [name] of feedbackOf(tensors))
        tensors.get(name)!.set(session.weight(name.slice(0, -'.feedback'.length)));
      session.run(inputsFor(trace), { learningRate: 1 });
      const exact = step(text, 'backpropagation');
      const other = exactSession(exact);
      other.run(inputsFor(exact), { learningRate: 1 });
      for (const { name, role } of exact.tensors)
        if (role === 'weight') expect(Array.from(session.weight(name)), name).toEqual(Array.from(other.weight(name)));
    }
  });

  it('direct: a hidden bias gets the last error times the matrix, where the function passes it', () => {
    const trace = step(
      'input: [3]\nlayers:\n  - linear: { name: first, out: 2, act: relu }\n  - linear: { out: 2 }\n',
      'direct',
      1,
    );
    const session = exactSession(trace);
    const [[, matrix]] = feedbackOf(session.checkpoint().tensors) as [[string, number[]]];
    // All weights 0 and a bias of 1: both hidden units are 1, both classes equally likely, so the error is (-1/2, 1/2) for class 0.
    for (const { name, role } of trace.tensors) if (role === 'weight') session.weight(name).fill(0);
    session.weight('first.bias').fill(1);
    const target = trace.tensors.find(({ name }) => name.endsWith('.target'))!.name;
    session.run({ input: [1, 2, 3], [target]: [0] }, { learningRate: 1 });
    const [a, b, c, d] = matrix as [number, number, number, number];
    expect(session.weight('first.bias')[0]).toBeCloseTo(1 - (c - a) / 2, 12);
    expect(session.weight('first.bias')[1]).toBeCloseTo(1 - (d - b) / 2, 12);
  });

  it('alignment needs the MACs of backpropagation, direct those of products with the last error', () => {
    const macsOf = (feedback: Feedback): number => totalMacs(step(PERCEPTRON, feedback, 10));
    // Forward and weight gradients 8 x 24 + 24 x 16 + 16 x 4 = 640 each; input gradients 24 x 16 + 16 x 4; 10 samples.
    expect(macsOf('backpropagation')).toBe(10 * (640 + 640 + 448));
    expect(macsOf('alignment')).toBe(10 * (640 + 640 + 448));
    // 4 classes to 24 and 16 elements.
    expect(macsOf('direct')).toBe(10 * (640 + 640 + 4 * 24 + 4 * 16));
  });

  it('has one fixed tensor for a weight that is used at every step of a sequence, in its format', () => {
    const text =
      'input: [3, 5]\nlayers:\n  - linear: { name: first, out: 4 }\n  - rnn: { hidden: 3 }\n  - linear: { out: 3 }\n';
    const { tensors } = step(text, 'alignment', 2, 'bf16');
    const fixed = tensors.filter(({ name, role }) => role === 'state' && name.endsWith('.feedback'));
    expect(new Set(fixed.map(({ name }) => name)).size).toBe(fixed.length);
    for (const { name, shape, dtype } of fixed) {
      const weight = tensors.find((one) => `${one.name}.feedback` === name)!;
      expect([shape, dtype], name).toEqual([weight.shape, 'bf16']);
    }
  });

  it.each([
    [
      'a branch',
      'input: [5]\nlayers:\n  - linear: { name: one, out: 4 }\n  - linear: { name: two, out: 4 }\n  - add: { from: [one, two] }\n  - linear: { out: 3 }\n',
    ],
    [
      'two results',
      'input: [5]\nlayers:\n  - linear: { name: trunk, out: 4 }\n  - linear: { name: one, out: 3 }\n  - linear: { from: trunk, out: 2 }\n',
    ],
    [
      'a pool',
      'input: [1, 4, 4]\nlayers:\n  - pool: { window: 2, stride: 2 }\n  - flatten: {}\n  - linear: { out: 2 }\n',
    ],
    ['a sequence', 'input: [3, 5]\nlayers:\n  - linear: { out: 4 }\n'],
  ])('direct refuses %s', (_, text) => {
    expect(() => step(text, 'direct')).toThrow(InputError);
    expect(() => step(text, 'direct')).toThrow(/chain of linear and conv layers/);
  });
});
