import { describe, expect, it } from 'vitest';
import { plainContractions } from '../../../src/numerics/ops/plain-contractions.ts';
import { Random } from '../../../src/numerics/random.ts';
import { TraceBuilder } from '../../../src/trace/builder.ts';
import type { Trace } from '../../../src/trace/trace.ts';
import { AUTOMATIC_LOSS_SCALE } from '../../../src/numerics/formats/loss-scale.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/training/checkpoint-file.ts';
import type { Optimizer } from '../../../src/training/optimizers.ts';
import { compress, sentCount, shareAt } from '../../../src/training/scaling/compression.ts';
import { Replicas } from '../../../src/training/scaling/replicas.ts';
import { ALONE, type Scaling } from '../../../src/training/scaling/scaling.ts';
import { trainingStep } from '../../../src/training/step.ts';
import { Trainer, type TrainerOptions } from '../../../src/training/trainer.ts';
import { blobs } from '../../../src/training/data/generated.ts';
import { parsePrecision } from '../../../src/workload/precision.ts';
import { forwardTrace, trainingTrace } from '../execute/network.ts';
import { PERCEPTRON } from '../learning.ts';

const IMAGES = `input: [2, 6, 6]
layers:
  - conv: { name: first, out: 4, kernel: 3, padding: 1, act: relu }
  - pool: { window: 2, stride: 2 }
  - flatten: {}
  - linear: { name: classes, out: 3 }
`;

/** Twelve made-up images with a class each, all of a mini-batch. */
function samples(): { readonly values: Float64Array; readonly classes: Int32Array } {
  const random = Random.seeded(3);
  return {
    values: Float64Array.from({ length: 12 * 72 }, () => random.normal()),
    classes: Int32Array.from({ length: 12 }, () => random.below(3)),
  };
}

function replicas(batch: number, scaling: Partial<Scaling>, optimizer: Optimizer = 'momentum'): Replicas {
  const step = trainingTrace(IMAGES, batch, optimizer);
  return new Replicas(step, { seed: 7, contractions: plainContractions('float64') }, { ...ALONE, ...scaling });
}

function train(ranks: Replicas, steps: number): Replicas {
  const { values, classes } = samples();
  const target = ranks.session.trace.tensors.find(({ name }) => name.endsWith('.target'))!.name;
  for (let step = 0; step < steps; step++) ranks.run({ input: values, [target]: classes }, { learningRate: 0.1 });
  return ranks;
}

function weights(ranks: Replicas): Map<string, number[]> {
  const { trace } = ranks.session;
  const names = trace.tensors.flatMap(({ name, role }) => (role === 'weight' ? [name] : []));
  return new Map(names.map((name) => [name, [...ranks.session.weight(name)]]));
}

describe('synchronous workers', () => {
  it.each([2, 3, 4, 6, 12])('%d of them reach the weights of one with the whole mini-batch', (ranks) => {
    const one = weights(train(replicas(12, {}), 5));
    const many = weights(train(replicas(12 / ranks, { ranks }), 5));
    expect([...many.keys()]).toEqual([...one.keys()]);
    for (const [name, values] of one)
      values.forEach((value, index) => expect(many.get(name)![index]).toBeCloseTo(value, 10));
  });

  it('have the mean of their gradients: after one step of rate 1 the weights differ by it', () => {
    const step = (batch: number, scaling: Partial<Scaling>): Map<string, number[]> => {
      const ranks = replicas(batch, scaling, 'gd');
      const before = weights(ranks);
      train(ranks, 1);
      return new Map(
        [...weights(ranks)].map(([name, after]) => [name, after.map((w, i) => before.get(name)![i]! - w)]),
      );
    };
    const [whole, mean] = [step(12, {}), step(4, { ranks: 3 })];
    for (const [name, values] of whole) {
      expect(Math.max(...values.map(Math.abs)), name).toBeGreaterThan(1e-4);
      values.forEach((value, index) => expect(mean.get(name)![index]).toBeCloseTo(value, 10));
    }
  });

  it('report the loss and the results of the whole mini-batch', () => {
    const [one, many] = [train(replicas(12, {}), 1), train(replicas(3, { ranks: 4 }), 1)];
    expect(many.loss).toBeCloseTo(one.loss!, 10);
    const { trace } = many.session;
    const output = trace.ops.find((op) => op.kind === 'elementwise' && op.function === 'loss')!.inputs[0]!;
    const [whole, parts] = [one.values(output), many.values(output)];
    expect(parts.length).toBe(36);
    whole.forEach((value, index) => expect(parts[index]).toBeCloseTo(value, 5));
  });

  it('give the same bits twice', () => {
    const [first, second] = [0, 1].map(() => weights(train(replicas(4, { ranks: 3 }), 3)));
    expect(first).toEqual(second);
  });
});

/** The step of one weight w on the loss w^2 / 2, for an input of 1. */
function scalarStep(): Trace {
  const precision = parsePrecision('fp32');
  const builder = new TraceBuilder(1, precision);
  const one = builder.tensor('one', [1, 1], 'input', 'fp32');
  const weight = builder.weight('w', [1, 1]);
  const product = { kind: 'matmul', batch: 1, m: 1, n: 1, k: 1 } as const;
  const w = builder.op({ ...product, name: 'product', inputs: [one, weight] }, [1, 1]);
  builder.phase = 'weight-gradient';
  // d/dw of w^2 / 2 is w, the product with 1.
  const gradient = builder.tensor('w.gradient', [1, 1], 'gradient', 'fp32');
  builder.push({ kind: 'elementwise', function: 'scale', factor: 1, name: 'gradient', inputs: [w] }, [gradient]);
  builder.phase = 'update';
  builder.push({ kind: 'update', optimizer: 'gd', sparse: false, name: 'update', inputs: [weight, gradient] }, [
    weight,
  ]);
  const workload = { name: 'square', batch: 1, phase: 'training', precision: 'fp32' } as const;
  return { schema: 'accsim.trace/1', workload, tensors: builder.tensors, ops: builder.ops };
}

describe('staleness', () => {
  /** Weights after each step on w^2 / 2 from w = 1, at rate 1/2. */
  function path(staleness: number, steps: number): number[] {
    const options = { seed: 1, contractions: plainContractions('float64') };
    const ranks = new Replicas(scalarStep(), options, { ...ALONE, staleness });
    ranks.session.weight('w')[0] = 1;
    return Array.from({ length: steps }, () => {
      ranks.run({ one: Float64Array.of(1) }, { learningRate: 0.5 });
      return ranks.session.weight('w')[0]!;
    });
  }

  it('0 applies gradients of the present weight: it halves each time', () => {
    expect(path(0, 3)).toEqual([0.5, 0.25, 0.125]);
  });

  it('1 applies the gradient of one step before: w(t+1) = w(t) - w(t-1) / 2', () => {
    // From 1 with the gradient of 1: 1/2; again that of 1: 0; then of 1/2: -1/4; of 0: -1/4; of -1/4: -1/8.
    expect(path(1, 5)).toEqual([0.5, 0, -0.25, -0.25, -0.125]);
  });

  it('2 applies that of two steps before', () => {
    // Three times the gradient of 1: 1/2, 0, -1/2; then of 1/2: -3/4; of 0: -3/4; of -1/2: -1/2.
    expect(path(2, 6)).toEqual([0.5, 0, -0.5, -0.75, -0.75, -0.5]);
  });

  it('leaves weights as they were when a step is refused', () => {
    const ranks = new Replicas(scalarStep(), { seed: 1 }, { ...ALONE, staleness: 1 });
    const run = (value: number): void => ranks.run({ one: Float32Array.of(value) }, { learningRate: 0.5 });
    ranks.session.weight('w')[0] = 1;
    run(1);
    expect(() => run(Number.NaN)).toThrow('NaN');
    expect(ranks.session.weight('w')[0]).toBe(0.5);
    run(1);
    run(1);
    expect(ranks.session.weight('w')[0]).toBe(-0.25);
  });
});

describe('deep gradient compression', () => {
  it('sends the largest and keeps the rest: sent and unsent make all gradients', () => {
    const random = Random.seeded(4);
    const unsent = { velocity: new Float64Array(20), residual: new Float64Array(20) };
    const [sum, sent] = [new Float64Array(20), new Float64Array(20)];
    for (let step = 0; step < 50; step++) {
      const gradient = Float64Array.from({ length: 20 }, () => random.normal());
      const now = new Float64Array(20);
      compress(unsent, gradient, 0, 3, now);
      expect(now.filter((value) => value !== 0).length).toBe(3);
      const least = Math.min(...now.filter((value) => value !== 0).map(Math.abs));
      expect(Math.max(...unsent.residual.map(Math.abs))).toBeLessThanOrEqual(least);
      for (let index = 0; index < 20; index++) {
        sum[index]! += gradient[index]!;
        sent[index]! += now[index]!;
      }
    }
    sum.forEach((value, index) => expect(sent[index]! + unsent.residual[index]!).toBeCloseTo(value, 12));
  });

  it('of equal ones sends the first', () => {
    const unsent = { velocity: new Float64Array(5), residual: new Float64Array(5) };
    const sent = new Float64Array(5);
    compress(unsent, Float64Array.of(1, -2, 1, -1, 2), 0, 3, sent);
    expect([...sent]).toEqual([1, -2, 0, 0, 2]);
    compress(unsent, new Float64Array(5), 0, 1, sent);
    expect([...sent]).toEqual([0, 0, 1, 0, 0]);
  });

  it('corrects for momentum, and forgets it where it has sent', () => {
    const unsent = { velocity: new Float64Array(2), residual: new Float64Array(2) };
    const step = (...gradient: number[]): number[] => {
      const sent = new Float64Array(2);
      compress(unsent, Float64Array.from(gradient), 0.5, 1, sent);
      return [...sent];
    };
    // u = (4, 1), v = (4, 1): the first leaves.
    expect(step(4, 1)).toEqual([4, 0]);
    // u = (1, 1.5), v = (1, 2.5): the second leaves, 1 + 1.5.
    expect(step(1, 1)).toEqual([0, 2.5]);
    // u = (1.5, 1), v = (2.5, 1).
    expect(step(1, 1)).toEqual([2.5, 0]);
    expect([[...unsent.velocity], [...unsent.residual]]).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it('sends a quarter at first, then a quarter of that, down to the share', () => {
    const shares = [0, 9, 10, 20, 30, 40, 1000].map((step) => shareAt({ share: 0.001, warmupStageSteps: 10 }, step));
    expect(shares).toEqual([0.25, 0.25, 0.0625, 0.015625, 0.00390625, 0.001, 0.001]);
    expect(shareAt({ share: 0.001, warmupStageSteps: 0 }, 0)).toBe(0.001);
    expect([sentCount(1000, 0.001), sentCount(1001, 0.001), sentCount(10, 0.001)]).toEqual([1, 2, 1]);
  });

  it('of share 1 without momentum is none', () => {
    const compression = { share: 1, warmupStageSteps: 0 };
    const plain = weights(train(replicas(4, { ranks: 3 }, 'gd'), 1));
    const sent = replicas(4, { ranks: 3, compression }, 'gd');
    // The first step has no velocity yet.
    expect(weights(train(sent, 1))).toEqual(plain);
  });
});

describe('trainer', () => {
  function learner(scaling: Scaling | null, changes: Partial<TrainerOptions> = {}, precision = 'fp32'): Trainer {
    const ranks = scaling?.ranks ?? 1;
    return new Trainer({
      step: trainingStep(forwardTrace(PERCEPTRON, 24 / ranks, precision), {
        optimizer: scaling?.compression == null ? 'momentum' : 'sgd',
        precision: parsePrecision(precision),
      }),
      forward: forwardTrace(PERCEPTRON, 50, precision),
      dataset: blobs(),
      epochs: 3,
      seed: 5,
      schedule: { learningRate: 0.05, shape: 'cosine', warmupSteps: 10 },
      momentum: 0.9,
      weightDecay: 0,
      rounding: 'nearest',
      lossScale: null,
      contractions: plainContractions(),
      ...(scaling !== null && { scaling }),
      ...changes,
    });
  }
  const epochs = (trainer: Trainer, count = 3): Trainer => {
    for (let epoch = trainer.epochs.length; epoch < count; epoch++) trainer.epoch(() => {});
    return trainer;
  };
  const bits = (trainer: Trainer): unknown =>
    [...trainer.state().session.tensors].map(([name, values]) => [name, [...values]]);
  const compression = { share: 0.1, warmupStageSteps: 50 };
  const cases: [string, Scaling][] = [
    ['4 workers', { ranks: 4, staleness: 0, compression: null }],
    ['staleness 3', { ranks: 1, staleness: 3, compression: null }],
    ['4 workers that send a tenth', { ranks: 4, staleness: 0, compression }],
    ['all together', { ranks: 2, staleness: 1, compression }],
  ];

  it.each(cases)('learns as well with %s', (_, scaling) => {
    const alone = epochs(learner(null)).epochs.at(-1)!.testAccuracy;
    const scaled = epochs(learner(scaling)).epochs.at(-1)!.testAccuracy;
    expect(alone).toBeGreaterThan(0.95);
    expect(scaled).toBeGreaterThan(alone - 0.02);
  });

  it.each(cases)('resumes bit for bit with %s', (_, scaling) => {
    const whole = epochs(learner(scaling));
    const file = encodeCheckpoint({ seed: 5 }, epochs(learner(scaling), 1).state());
    const resumed = learner(scaling);
    resumed.restore(decodeCheckpoint(file, 'file', { seed: 5 }));
    expect(bits(epochs(resumed))).toEqual(bits(whole));
    expect(resumed.epochs).toEqual(whole.epochs);
  });

  it.each(['batch', 'batch-renorm', 'online'])('resumes two workers with %s normalisation bit for bit', (norm) => {
    const network = `input: [8]\nlayers:\n  - linear: { out: 16, norm: ${norm}, act: relu }\n  - linear: { out: 4 }\n`;
    const traces = { step: trainingTrace(network, 12, 'momentum'), forward: forwardTrace(network, 50) };
    const make = (): Trainer => learner({ ...ALONE, ranks: 2 }, traces);
    const whole = epochs(make());
    const resumed = make();
    resumed.restore(decodeCheckpoint(encodeCheckpoint({}, epochs(make(), 1).state()), 'file', {}));
    expect(bits(epochs(resumed))).toEqual(bits(whole));
  });

  it('learns with four workers in fp16 with loss scaling, compressed or not', () => {
    for (const one of [null, compression]) {
      const scaling = { ranks: 4, staleness: 0, compression: one };
      const trainer = epochs(learner(scaling, { lossScale: AUTOMATIC_LOSS_SCALE }, 'fp16'));
      expect(trainer.epochs.at(-1)!.testAccuracy).toBeGreaterThan(0.93);
    }
  });
});

describe('refusals', () => {
  it('list all that is wrong', () => {
    const scaling = { ranks: 0, staleness: 1.5, compression: { share: 2, warmupStageSteps: 0 } };
    const make = (): unknown => new Replicas(trainingTrace(IMAGES, 2, 'adam'), { seed: 1 }, scaling);
    expect(make).toThrow('--workers: 0');
    expect(make).toThrow('--staleness: 1.5');
    expect(make).toThrow('--compress: 2');
    expect(make).toThrow('--compress: with the optimizer adam; use --optimizer sgd');
  });

  it('name tables whose rows belong to one rank', () => {
    const tokens = 'inputs:\n  tokens: { shape: [3], dtype: int32 }\nlayers:\n';
    const step = trainingTrace(
      `${tokens}  - embedding: { name: words, rows: 9, width: 5 }\n  - linear: { name: out, out: 4 }\n`,
      2,
    );
    expect(() => new Replicas(step, { seed: 1 }, { ...ALONE, ranks: 2 })).toThrow('words.weight: a table');
  });
});
