import { describe, expect, it } from 'vitest';
import type { Trace } from '../../../src/trace/trace.ts';
import { Session } from '../../../src/training/execute/session.ts';
import { gradientErrors } from './central-differences.ts';
import { exactSession, forwardTrace, inputsFor, trainingTrace } from './network.ts';

/** A normalisation in the middle of a network over images [3, 3, 2]. */
function network(norm: string): string {
  return `input: [3, 3, 2]
layers:
  - conv: { name: first, out: 4, kernel: 1 }
  - norm: { name: norm, function: ${norm}, act: tanh }
  - flatten: {}
  - linear: { name: classes, out: 3 }
`;
}

/** A normalisation alone, over channels of a batch. */
function alone(norm: string): string {
  return `input: [2]\nlayers:\n  - norm: { name: norm, function: ${norm} }\n`;
}

function output(trace: Trace): number {
  return trace.ops.find(({ kind }) => kind === 'norm')!.outputs[0]!;
}

function state(session: Session, name: string): number[] {
  return [...session.checkpoint().tensors.get(name)!];
}

const EPSILON = 1e-5;

describe('gradients by central differences', () => {
  it('online: of one sample, whose statistics are those before it', () => {
    const errors = gradientErrors(trainingTrace(network('online'), 1), 7, {
      prepare: (session) => {
        session.weight('norm.mean').set([0.3, -0.2, 0.1, 0.5]);
        session.weight('norm.variance').set([0.5, 2, 1.5, 0.7]);
      },
    });
    for (const [name, error] of errors) expect(error, name).toBeLessThan(1e-6);
  });

  it('batch-renorm: where both corrections are at their limits, and so constants', () => {
    const errors = gradientErrors(trainingTrace(network('batch-renorm'), 3), 7, {
      settings: { renormRatio: 1.5, renormShift: 0.25 },
      prepare: (session) => {
        session.weight('norm.mean').fill(-90);
        session.weight('norm.deviation').set([0.01, 0.02, 30, 40]);
      },
    });
    // r is 1.5 for small deviations and 1 / 1.5 for large ones; d is 0.25 where |mean + 90| is more than 0.25 deviations.
    for (const [name, error] of errors) expect(error, name).toBeLessThan(1e-6);
  });

  it('batch-renorm with limits 1 and 0 is batch normalisation', () => {
    const run = (norm: string) => {
      const trace = trainingTrace(network(norm), 3);
      const session = exactSession(trace);
      for (let step = 0; step < 3; step++)
        session.run(inputsFor(trace, step), { learningRate: 0.1, renormRatio: 1, renormShift: 0 });
      return session;
    };
    const [batch, renorm] = [run('batch'), run('batch-renorm')];
    expect(renorm.loss).toBeCloseTo(batch.loss!, 12);
    for (const name of ['first.weight', 'norm.scale', 'norm.shift'])
      renorm.weight(name).forEach((value, at) => expect(value).toBeCloseTo(batch.weight(name)[at]!, 10));
  });
});

describe('forward and running statistics by their definitions', () => {
  // Channel 0: 1, 3, 5 with mean 3 and variance 8 / 3; channel 1: 2, 2, 8 with mean 4 and variance 8.
  const input = [1, 2, 3, 2, 5, 8];
  const options = { target: [0, 1, 0] };
  const session = (norm: string): Session => exactSession(trainingTrace(alone(norm), 3), { keep: 'all' });
  const run = (norm: string, settings = {}): Session => {
    const made = session(norm);
    made.run({ input, 'norm.target': options.target }, { learningRate: 0, ...settings });
    return made;
  };

  it('batch: 0.9 of the old and 0.1 of the new, the variance of the population', () => {
    const made = run('batch');
    state(made, 'norm.mean').forEach((value, at) => expect(value).toBeCloseTo([0.3, 0.4][at]!, 12));
    // Population variances are 4 and 12.
    state(made, 'norm.variance').forEach((value, at) => expect(value).toBeCloseTo([1.3, 2.1][at]!, 12));
    expect(made.values(output(made.trace))[4]).toBeCloseTo(2 / Math.sqrt(8 / 3 + EPSILON), 12);
  });

  it('batch-renorm: by the running statistics, as far as the limits let it', () => {
    // Running mean 0 and deviation 1: without limits results are the operands themselves.
    const free = run('batch-renorm', { renormRatio: 100, renormShift: 100 });
    free.values(output(free.trace)).forEach((value, at) => expect(value).toBeCloseTo(input[at]!, 9));
    const deviation = Math.sqrt(8 / 3 + EPSILON);
    expect(state(free, 'norm.deviation')[0]).toBeCloseTo(0.99 + 0.01 * deviation, 12);
    expect(state(free, 'norm.mean')[0]).toBeCloseTo(0.03, 12);
    const limited = run('batch-renorm', { renormRatio: 1.2, renormShift: 0.5 });
    expect(limited.values(output(limited.trace))[4]).toBeCloseTo((2 / deviation) * 1.2 + 0.5, 12);
  });

  it('online: each sample by the mean and variance of those before it', () => {
    const made = run('online');
    let [mean, variance] = [0, 1];
    const expected = [1, 3, 5].map((x) => {
      const normal = (x - mean) / Math.sqrt(variance + EPSILON);
      variance = 0.999 * variance + 0.999 * 0.001 * (x - mean) ** 2;
      mean = 0.999 * mean + 0.001 * x;
      return normal;
    });
    expected.forEach((value, row) => expect(made.values(output(made.trace))[2 * row]).toBeCloseTo(value, 12));
    expect(state(made, 'norm.mean')[0]).toBeCloseTo(mean, 12);
    expect(state(made, 'norm.variance')[0]).toBeCloseTo(variance, 12);
  });

  it('online: gradients give way to errors that were summed up, whatever the loss scale', () => {
    const trace = trainingTrace(network('online'), 2);
    const norm = trace.ops.find(({ kind, phase }) => kind === 'norm' && phase === 'input-gradient')!;
    const [gradientId, operandId, , savedId] = norm.inputs as [number, number, number, number];
    const results = [1, 1024].map((lossScale) => {
      const made = exactSession(trace, { keep: 'all' });
      made.run(inputsFor(trace, 1), { learningRate: 0, lossScale });
      made.run(inputsFor(trace, 2), { learningRate: 0, lossScale });
      return [...made.values(norm.outputs[0]!)].map((value) => value / lossScale);
    });
    results[1]!.forEach((value, at) => expect(value).toBeCloseTo(results[0]![at]!, 12));
    // Chiley 2019, equations of the backward pass, channel 2, six positions a sample, written out for both samples of two steps.
    const made = exactSession(trace, { keep: 'all' });
    let [alongResult, along1] = [0, 0];
    for (const step of [1, 2]) {
      made.run(inputsFor(trace, step), { learningRate: 0 });
      for (const sample of [0, 1]) {
        const at = (id: number): number[] => [...made.values(id)].slice((sample * 4 + 2) * 6, (sample * 4 + 3) * 6);
        const [mean, inverse] = [made.values(savedId)[sample * 4 + 2]!, made.values(savedId)[8 + sample * 4 + 2]!];
        const normal = at(operandId).map((x) => (x - mean) * inverse);
        const rest = at(gradientId).map((g, index) => g - 0.01 * alongResult * normal[index]!);
        const share = rest.map((value) => value * inverse - 0.01 * along1);
        alongResult += rest.reduce((sum, value, index) => sum + value * normal[index]!, 0) / 6;
        along1 += share.reduce((sum, value) => sum + value, 0) / 6;
        at(norm.outputs[0]!).forEach((value, index) => expect(value).toBeCloseTo(share[index]!, 12));
      }
    }
  });

  it('weight: the product with weights of the length of their scale', () => {
    const trace = forwardTrace('input: [2]\nlayers:\n  - linear: { name: l, out: 1, bias: false, norm: weight }\n', 1);
    const made = exactSession(trace);
    made.weight('l.weight').set([3, 4]);
    made.weight('l.norm.scale').set([2]);
    made.weight('l.norm.shift').set([0.5]);
    made.run({ input: [10, 5] });
    // (3 * 10 + 4 * 5) * 2 / 5 + 0.5
    expect(made.values(output(trace))[0]).toBeCloseTo(20.5, 12);
  });
});

describe('a test', () => {
  it.each([
    ['batch', 'variance', (spread: number) => Math.sqrt(spread + EPSILON)],
    ['online', 'variance', (spread: number) => Math.sqrt(spread + EPSILON)],
    ['batch-renorm', 'deviation', (spread: number) => spread],
  ])('%s reads the running statistics of the session that trains', (norm, spread, root) => {
    const trained = exactSession(trainingTrace(alone(norm), 3));
    const test = exactSession(forwardTrace(alone(norm), 1), { weightsOf: trained });
    for (let step = 0; step < 4; step++) trained.run({ input: [1, 2, 3, 2, 5, 8 + step], 'norm.target': [0, 1, 0] });
    test.run({ input: [2.5, -1] });
    const mean = state(trained, 'norm.mean')[1]!;
    const normal = (-1 - mean) / root(state(trained, `norm.${spread}`)[1]!);
    const [scale, shift] = [trained.weight('norm.scale')[1]!, trained.weight('norm.shift')[1]!];
    expect(test.values(output(test.trace))[1]).toBeCloseTo(normal * scale + shift, 12);
    expect(mean).not.toBe(0);
  });

  it('is the same for a sample whatever else is in its batch', () => {
    const trained = exactSession(trainingTrace(network('batch'), 3));
    for (let step = 0; step < 4; step++) trained.run(inputsFor(trained.trace, step));
    const answer = (batch: number, others: number): number[] => {
      const test = exactSession(forwardTrace(network('batch'), batch), { weightsOf: trained });
      test.run({ input: Array.from({ length: batch * 18 }, (_, at) => (at < 18 ? Math.sin(at) : others)) });
      return [...test.values(test.trace.tensors.findIndex(({ role }) => role === 'output'))].slice(0, 3);
    };
    expect(answer(4, 100)).toEqual(answer(1, 0));
  });
});

describe('states', () => {
  it.each(['batch', 'online', 'batch-renorm'])('%s: are in checkpoints, and a run goes on bit for bit', (norm) => {
    const trace = trainingTrace(network(norm), 2, 'momentum');
    const [whole, resumed] = [new Session(trace, { seed: 5 }), new Session(trace, { seed: 6 })];
    whole.run(inputsFor(trace, 1));
    resumed.restore(structuredClone(whole.checkpoint()));
    for (const session of [whole, resumed]) session.run(inputsFor(trace, 2));
    expect(resumed.checkpoint()).toEqual(whole.checkpoint());
    expect([...whole.checkpoint().tensors.keys()]).toContain('norm.mean');
  });

  it.each(['batch', 'online', 'batch-renorm'])('%s: stay as they are when a step is left out', (norm) => {
    const trace = trainingTrace(network(norm), 2);
    const session = exactSession(trace);
    session.run(inputsFor(trace, 1));
    const before = structuredClone(session.checkpoint());
    const broken = { ...inputsFor(trace, 2), input: new Array(36).fill(Number.MAX_VALUE) };
    expect(() => session.run(broken)).toThrow(/NaN|Infinity/);
    expect(session.checkpoint()).toEqual(before);
  });

  it('are no parameters', () => {
    const trace = forwardTrace(network('batch'), 1, 'bf16');
    const states = trace.tensors.filter(({ role }) => role === 'state');
    expect(states.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['norm.mean', 'fp32', [4]],
      ['norm.variance', 'fp32', [4]],
    ]);
  });
});

it('weight normalisation needs weights right before it', () => {
  expect(() =>
    forwardTrace('input: [2]\nlayers:\n  - linear: { name: l, out: 3, norm: weight, bias: true }\n', 1),
  ).toThrow(
    /weight normalisation of the result of l\.bias \(elementwise\); put it right after a conv, deconv or linear/,
  );
});
