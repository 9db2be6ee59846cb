import { describe, expect, it } from 'vitest';
import { plainContractions } from '../../src/numerics/ops/plain-contractions.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { readTrace } from '../../src/trace/read.ts';
import { writeTrace } from '../../src/trace/write.ts';
import { blobs } from '../../src/training/data/generated.ts';
import { Session } from '../../src/training/execute/session.ts';
import { updateDelays } from '../../src/training/pipelined.ts';
import { type StepOptions, trainingStep } from '../../src/training/step.ts';
import { Trainer, type TrainerOptions } from '../../src/training/trainer.ts';
import { AUTOMATIC_LOSS_SCALE } from '../../src/numerics/formats/loss-scale.ts';
import { exactSession, forwardTrace } from './execute/network.ts';
import { PERCEPTRON, trainAll } from './learning.ts';

const FP32 = { weights: 'fp32', activations: 'fp32' } as const;

function step(text: string, batch: number, options: Partial<StepOptions> = {}): Trace {
  return trainingStep(forwardTrace(text, batch, 'fp32', true), {
    optimizer: 'sgd',
    precision: FP32,
    propagation: 'pipelined',
    ...options,
  });
}

/** One number through two products, and a bias of two classes: small enough to follow by hand. */
const CHAIN = `input: [1]
layers:
  - linear: { name: a, out: 1, bias: false }
  - linear: { name: b, out: 1, bias: false }
  - linear: { name: c, out: 2, bias: false }
`;

describe('delays', () => {
  it('are twice the layers that follow', () => {
    expect(Object.fromEntries(updateDelays(step(CHAIN, 1)))).toEqual({ 'a.weight': 4, 'b.weight': 2, 'c.weight': 0 });
  });

  it('count layers along the longest way, branches side by side', () => {
    const branches = `input: [4]
layers:
  - linear: { name: first, out: 4 }
  - linear: { name: left, out: 4, act: relu }
  - linear: { name: right, from: first, out: 4 }
  - add: { from: [left, right, first] }
  - linear: { name: classes, out: 3 }
`;
    const delays = updateDelays(step(branches, 2));
    expect(['first', 'left', 'right', 'classes'].map((name) => delays.get(`${name}.weight`))).toEqual([4, 2, 2, 0]);
  });

  it('of a sum of gradients wait for the branch whose gradient comes last', () => {
    const branches = `input: [4, 4, 1]
layers:
  - conv: { name: first, out: 2, kernel: 3, padding: 1 }
  - conv: { name: left, out: 2, kernel: 1 }
  - pool: { name: pooled, from: first, window: 3, stride: 1, padding: 1 }
  - conv: { name: right, out: 2, kernel: 1 }
  - concat: { from: [left, right] }
  - flatten: {}
  - linear: { name: classes, out: 3 }
`;
    const delays = updateDelays(step(branches, 2));
    expect(['first', 'left', 'right', 'classes'].map((name) => delays.get(`${name}.weight`))).toEqual([4, 2, 2, 0]);
  });

  it('are none where layers work one after the other', () => {
    expect(updateDelays(step(CHAIN, 1, { propagation: 'stepwise' })).size).toBe(0);
  });
});

describe('the trace', () => {
  const trace = step(PERCEPTRON, 4);

  it('has no op that reads, within a step, what another layer made', () => {
    const layerOf = (name: string): string => /^(first|second|classes)/.exec(name)![1]!;
    const maker = new Map<number, string>();
    for (const op of trace.ops) {
      if (op.kind === 'move' && op.function === 'delay') continue;
      for (const id of op.inputs) if (maker.has(id)) expect(layerOf(op.name), op.name).toBe(maker.get(id));
      for (const id of op.outputs)
        if (trace.tensors[id]!.role !== 'weight' && trace.tensors[id]!.role !== 'state')
          maker.set(id, layerOf(op.name));
    }
    expect(maker.size).toBeGreaterThan(10);
  });

  it('is that of a stepwise step, with states between the layers', () => {
    const plain = step(PERCEPTRON, 4, { propagation: 'stepwise' });
    const without = trace.ops.filter((op) => op.kind !== 'move' || op.function !== 'delay');
    expect(without.map(({ kind, name, phase }) => [kind, name, phase])).toEqual(
      plain.ops.map(({ kind, name, phase }) => [kind, name, phase]),
    );
    const states = trace.tensors.flatMap(({ name, role }) => (role === 'state' ? [name] : []));
    expect(new Set(states).size).toBe(states.length);
    expect(states.length).toBeGreaterThan(0);
  });

  it('is read again as it was written', () => expect(readTrace(writeTrace(trace), 'trace')).toEqual(trace));
});

/** The same network as loops over arrays of what each layer was given when. */
function byHand(samples: readonly (readonly [x: number, target: 0 | 1])[], rate: number, first: readonly number[]) {
  let [a, b, c0, c1] = first as [number, number, number, number];
  const errorsToB: number[] = [];
  const errorsToA: number[] = [];
  const hidden: number[] = [];
  const joined: number[] = [];
  samples.forEach((_, now) => {
    const x = (time: number): number => samples[time]?.[0] ?? 0;
    // Forward: layer a has this sample, b the one before, c the one before that. Nothing is there before the first.
    hidden[now] = a * x(now);
    joined[now - 1] = b * (hidden[now - 1] ?? 0);
    const seen = joined[now - 2] ?? 0;
    const [p0, p1] = [Math.exp(c0 * seen), Math.exp(c1 * seen)];
    const target = samples[now - 2]?.[1];
    const [e0, e1] = target === undefined ? [0, 0] : [p0 / (p0 + p1) - (1 - target), p1 / (p0 + p1) - target];
    // Backward: c at once, b the error of a step ago, a that of two steps ago, each through today's weights.
    errorsToB[now] = e0 * c0 + e1 * c1;
    errorsToA[now] = (errorsToB[now - 1] ?? 0) * b;
    const change = {
      a: (errorsToA[now - 1] ?? 0) * x(now - 4),
      b: (errorsToB[now - 1] ?? 0) * (hidden[now - 3] ?? 0),
      c0: e0 * seen,
      c1: e1 * seen,
    };
    a -= rate * change.a;
    b -= rate * change.b;
    c0 -= rate * change.c0;
    c1 -= rate * change.c1;
  });
  return [a, b, c0, c1];
}

describe('values', () => {
  const samples = [
    [0.5, 0],
    [-1.5, 1],
    [2, 1],
    [1, 0],
    [-0.25, 1],
    [0.75, 0],
    [1.25, 1],
    [-2, 0],
  ] as const;

  it('are those of layers that work on different samples, by hand', () => {
    const session = exactSession(step(CHAIN, 1));
    const names = ['a.weight', 'b.weight', 'c.weight'];
    session.weight('a.weight').set([0.8]);
    session.weight('b.weight').set([-1.1]);
    session.weight('c.weight').set([0.6, -0.9]);
    const before = names.map((name) => [...session.weight(name)]);
    for (const [x, target] of samples) session.run({ input: [x], 'c.target': [target] }, { learningRate: 0.3 });
    const weights = names.flatMap((name) => [...session.weight(name)]);
    byHand(samples, 0.3, [0.8, -1.1, 0.6, -0.9]).forEach((value, at) => expect(weights[at]).toBeCloseTo(value, 12));
    names.forEach((name, at) => expect([...session.weight(name)]).not.toEqual(before[at]));
  });

  it('change no weight before the first sample has come through', () => {
    const session = exactSession(step(PERCEPTRON, 2));
    const first = structuredClone(session.checkpoint().tensors);
    const input = Array.from({ length: 16 }, (_, at) => Math.sin(at));
    for (let tick = 0; tick < 2; tick++) {
      session.run({ input, 'classes.bias.target': [0, 1] });
      for (const name of ['first.weight', 'first.bias', 'classes.weight', 'classes.bias'])
        expect(session.weight(name), name).toEqual(first.get(name));
      expect(session.loss).toBe(0);
    }
    session.run({ input, 'classes.bias.target': [0, 1] });
    expect(session.loss).toBeGreaterThan(0);
    expect(session.weight('classes.weight')).not.toEqual(first.get('classes.weight'));
    expect(session.weight('first.weight')).toEqual(first.get('first.weight'));
  });

  it('go on bit for bit from a checkpoint, what is on its way included', () => {
    const trace = step(PERCEPTRON, 2, { optimizer: 'momentum' });
    const [whole, resumed] = [new Session(trace, { seed: 5 }), new Session(trace, { seed: 6 })];
    const run = (session: Session, tick: number): void =>
      session.run({
        input: Array.from({ length: 16 }, (_, at) => Math.sin(at + tick)),
        'classes.bias.target': [tick % 4, 1],
      });
    for (let tick = 0; tick < 5; tick++) run(whole, tick);
    resumed.restore(structuredClone(whole.checkpoint()));
    for (let tick = 5; tick < 9; tick++) for (const session of [whole, resumed]) run(session, tick);
    expect(resumed.checkpoint()).toEqual(whole.checkpoint());
  });
});

describe('training', () => {
  const trainer = (batch: number, propagation: 'stepwise' | 'pipelined', changes: Partial<TrainerOptions> = {}) =>
    new Trainer({
      step: step(PERCEPTRON, batch, { propagation }),
      forward: forwardTrace(PERCEPTRON, 50),
      dataset: blobs(),
      epochs: 2,
      seed: 5,
      schedule: { learningRate: 0.005 * Math.sqrt(batch), shape: 'cosine', warmupSteps: 10 },
      momentum: 0,
      weightDecay: 0,
      rounding: 'nearest',
      lossScale: null,
      contractions: plainContractions(),
      ...changes,
    });

  it('has the densities of a stepwise one, once it is full', () => {
    // Eight mini-batches, all of which are measured either way.
    const [stepwise, pipelined] = [trainer(250, 'stepwise').densities(), trainer(250, 'pipelined').densities()];
    expect(Math.min(...stepwise.values())).toBeLessThan(0.6);
    for (const [id, density] of stepwise) expect(pipelined.get(id)).toBeCloseTo(density, 12);
  });

  it('sample by sample learns, pipelined nearly as well as stepwise', () => {
    const accuracy = (propagation: 'stepwise' | 'pipelined') => trainAll(trainer(1, propagation), 2).epochs.at(-1)!;
    const [stepwise, pipelined] = [accuracy('stepwise'), accuracy('pipelined')];
    expect(stepwise.testAccuracy).toBeGreaterThan(0.9);
    expect(pipelined.testAccuracy).toBeGreaterThan(stepwise.testAccuracy - 0.03);
    // Results are held against the classes of their own samples, not of those that came in last.
    expect(pipelined.trainAccuracy).toBeGreaterThan(0.8);
  });

  it('gives the same bits for the same seed', () => {
    const bits = () =>
      [...trainAll(trainer(20, 'pipelined'), 1).state().session.tensors.values()].map((one) => [...one]);
    expect(bits()).toEqual(bits());
  });
});

describe('refuses what a pipeline cannot keep', () => {
  it.each([
    [PERCEPTRON, { checkpointing: 'sqrt' }, '--checkpointing: sqrt, with pipelined propagation; leave out one of them'],
    [PERCEPTRON, { feedback: 'direct' }, '--feedback: direct, with pipelined propagation; leave out one of them'],
    [
      PERCEPTRON.replace('  - linear: { name: second', '  - dropout: { name: drop }\n  - linear: { name: second'),
      {},
      'drop: dropout, with pipelined propagation; leave out dropout, or train stepwise',
    ],
  ] as const)('case %#', (text, options, message) => expect(() => step(text, 2, options)).toThrow(message));

  it('a loss scale that changes', () => {
    const options = {
      step: step(PERCEPTRON, 20),
      forward: forwardTrace(PERCEPTRON, 50),
      dataset: blobs(),
      epochs: 1,
      seed: 5,
      schedule: { learningRate: 0.01, shape: 'constant', warmupSteps: 0 },
      momentum: 0,
      weightDecay: 0,
      rounding: 'nearest',
      lossScale: AUTOMATIC_LOSS_SCALE,
      contractions: plainContractions(),
    } as const;
    expect(() => new Trainer(options)).toThrow(/--loss-scale: automatic, with pipelined propagation/);
  });
});
