import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/numerics/random.ts';
import { elements } from '../../../src/trace/facts.ts';
import { trainingStep } from '../../../src/training/step.ts';
import { NotFiniteError } from '../../../src/training/execute/finite.ts';
import { Session } from '../../../src/training/execute/session.ts';
import { exactSession, forwardTrace, inputsFor, recordedTrace, trainingTrace } from './network.ts';

const CONVOLUTIONAL = `input: [2, 8, 8]
layers:
  - conv: { name: first, out: 4, kernel: 3, padding: 1, norm: batch, act: relu }
  - pool: { window: 2, stride: 2 }
  - conv: { name: second, out: 4, kernel: 3, padding: 1, act: gelu }
  - flatten: {}
  - linear: { name: classes, out: 3 }
`;
const LANGUAGE = `inputs: { words: { shape: [4], dtype: int32 } }
layers:
  - embedding: { rows: 7, width: 6 }
  - attention: { heads: 2, mask: true }
  - lstm: { hidden: 5, bidirectional: true }
  - linear: { name: classes, out: 3 }
`;

/** Two classes of points, inside and outside of a circle that holds half of them. */
function ring(count: number, seed: number): { points: number[]; classes: number[] } {
  const random = Random.seeded(seed);
  const points = Array.from({ length: 2 * count }, () => 2 * random.uniform() - 1);
  const classes = Array.from({ length: count }, (_, at) =>
    points[2 * at]! ** 2 + points[2 * at + 1]! ** 2 < 2 / Math.PI ? 1 : 0,
  );
  return { points, classes };
}

const RING = `input: [2]
layers:
  - linear: { name: fc1, out: 24, act: relu }
  - linear: { name: fc2, out: 24, act: relu }
  - linear: { name: fc3, out: 2 }
`;

function trained(seed: number, steps: number): { session: Session; target: string } {
  const trace = trainingTrace(RING, 64, 'adam');
  const session = new Session(trace, { seed });
  const target = 'fc3.bias.target';
  for (let step = 0; step < steps; step++) {
    const { points, classes } = ring(64, step);
    session.run({ input: points, [target]: classes }, { learningRate: 0.01 });
  }
  return { session, target };
}

describe('a trace run with values', () => {
  it.each([CONVOLUTIONAL, LANGUAGE])(
    'is the trace recorded by shapes: every result is written, in its shape',
    (text) => {
      const trace = trainingTrace(text, 2, 'adam');
      const before = JSON.stringify(trace);
      const session = exactSession(trace, { keep: 'all' });
      expect(session.trace).toBe(trace);
      trace.tensors.forEach(({ role }, id) => {
        if (role === 'activation' || role === 'gradient') session.values(id).fill(Number.NaN);
      });
      session.run(inputsFor(trace));
      expect(JSON.stringify(trace)).toBe(before);
      const masked = new Set(trace.ops.filter((op) => op.name.endsWith('.mask')).flatMap((op) => op.outputs));
      trace.tensors.forEach(({ name, shape }, id) => {
        expect(session.values(id), name).toHaveLength(elements(shape));
        if (!masked.has(id)) expect(session.values(id).every(Number.isFinite), name).toBe(true);
      });
    },
  );

  it.each([CONVOLUTIONAL, LANGUAGE])('computes the same with arrays that serve several tensors', (text) => {
    const trace = trainingTrace(text, 2, 'momentum');
    const [shared, apart] = [exactSession(trace), exactSession(trace, { keep: 'all' })];
    for (let step = 0; step < 3; step++) for (const session of [shared, apart]) session.run(inputsFor(trace, step));
    expect(shared.loss).toBe(apart.loss);
    expect(shared.checkpoint()).toEqual(apart.checkpoint());
  });

  it('learns a ring to more than 95 %', () => {
    const { session } = trained(1, 400);
    const test = new Session(forwardTrace(RING, 500), { seed: 0, weightsOf: session });
    const { points, classes } = ring(500, 9999);
    test.run({ input: points });
    const scores = test.values(test.trace.tensors.findIndex(({ role }) => role === 'output'));
    const right = classes.filter((one, at) => (scores[2 * at + 1]! > scores[2 * at]! ? 1 : 0) === one);
    expect(right.length / 500).toBeGreaterThan(0.95);
  });

  it('gives the same bits for the same seed, others for another', () => {
    const bits = (seed: number): string => JSON.stringify([...trained(seed, 20).session.checkpoint().tensors.values()]);
    expect(bits(3)).toBe(bits(3));
    expect(bits(3)).not.toBe(bits(4));
  });

  it('goes on bit for bit from a checkpoint, dropout included', () => {
    const trace = recordedTrace((builder, hidden) =>
      builder.op({ kind: 'elementwise', function: 'dropout', name: 'dropout', inputs: [hidden] }, [3, 4]),
    );
    const [whole, resumed] = [new Session(trace, { seed: 5 }), new Session(trace, { seed: 6 })];
    whole.run(inputsFor(trace, 1));
    resumed.restore(structuredClone(whole.checkpoint()));
    for (const session of [whole, resumed]) session.run(inputsFor(trace, 2));
    expect(resumed.checkpoint()).toEqual(whole.checkpoint());
    expect(resumed.loss).toBe(whole.loss);
  });

  it('passes everything on where nothing is trained', () => {
    const step = recordedTrace((builder, hidden) =>
      builder.op({ kind: 'elementwise', function: 'dropout', name: 'dropout', inputs: [hidden] }, [3, 4]),
    );
    const ops = step.ops.filter((op) => op.phase === 'forward');
    const session = exactSession({ ...step, workload: { ...step.workload, phase: 'inference' }, ops }, { keep: 'all' });
    session.run(inputsFor(step));
    const dropout = ops.find((op) => op.name === 'dropout')!;
    expect(session.values(dropout.outputs[0]!)).toEqual(session.values(dropout.inputs[0]!));
  });

  it('rounds inputs, first weights and every result', () => {
    const trace = trainingTrace(RING, 2);
    const coarse = new Session(trace, {
      seed: 1,
      keep: 'all',
      round: (_, values) => values.forEach((value, at) => (values[at] = Math.round(value * 64) / 64)),
    });
    coarse.run(inputsFor(trace));
    trace.tensors.forEach(({ name }, id) =>
      expect(
        coarse.values(id).every((value: number) => Number.isInteger(value * 64)),
        name,
      ).toBe(true),
    );
  });
});

describe('faults', () => {
  const trace = trainingTrace(CONVOLUTIONAL, 2, 'momentum');
  const session = exactSession(trace);
  const inputs = inputsFor(trace);

  it('names the op and step in which a number stops being one, and changes no weight', () => {
    session.run(inputs);
    const weights = structuredClone(session.checkpoint());
    const huge = { ...inputs, input: Array.from({ length: 256 }, () => Number.MAX_VALUE) };
    expect(() => session.run(huge)).toThrow(
      /^first \(forward\): (NaN|-?Infinity) in step 2; use a smaller learning rate/,
    );
    expect(() => session.run(huge)).toThrow(NotFiniteError);
    expect(session.checkpoint()).toEqual(weights);
  });

  it('names an input that is no number', () => {
    const broken = { ...inputs, input: Array.from({ length: 256 }, (_, at) => (at === 9 ? Number.NaN : 1)) };
    expect(() => session.run(broken)).toThrow(/^input: NaN in step 2/);
  });

  it('finds a gradient that overflows behind a finite loss', () => {
    expect(() => session.run(inputs, { lossScale: Number.MAX_VALUE * 2 })).toThrow(
      /\.input-gradient \(input-gradient\)/,
    );
  });

  it('refuses inputs that are missing, unknown, too long or no class', () => {
    const target = 'classes.bias.target';
    expect(() => session.run({ imput: [1], [target]: [0, 1, 2] })).toThrow(
      'input: missing; give the input values\nimput: no input of that name; did you mean input?\n' +
        'classes.bias.target: 3 values; give 2 for shape [2]',
    );
    expect(() => session.run({ ...inputs, [target]: [0, 3] })).toThrow(/target 3 at position 1; give classes 0 to 2/);
  });

  it('refuses indices beyond a table', () => {
    const language = trainingTrace(LANGUAGE, 1);
    expect(() => exactSession(language).run({ ...inputsFor(language), words: [0, 1, 7, 2] })).toThrow(
      /index 7 at position 2; give rows 0 to 6/,
    );
  });

  it.each([['input: [5, 4]\nlayers:\n  - constant: { rows: 2 }\n', /elementwise of shapes \[2, 5, 4\], \[2, 4\]/]])(
    'refuses what cannot run with values',
    (text, message) => {
      expect(() => exactSession(trainingTrace(text, 2))).toThrow(message);
    },
  );

  it('refuses the checkpoint of another network', () => {
    expect(() => session.restore(new Session(trainingTrace(RING, 1), { seed: 1 }).checkpoint())).toThrow(
      /first\.weight: missing from the checkpoint/,
    );
  });
});

describe('a dropout layer', () => {
  const text =
    'input: [200]\nlayers:\n  - linear: { name: first, out: 400, act: sigmoid }\n  - dropout: { name: drop, rate: 0.3 }\n  - linear: { name: classes, out: 3 }\n';

  it('has an op in training only', () => {
    expect(forwardTrace(text, 2).ops.some(({ name }) => name === 'drop')).toBe(false);
    expect(trainingTrace(text, 2).ops.map(({ name }) => name)).toContain('drop');
  });

  it('leaves out its rate of the elements and scales the others', () => {
    const trace = trainingTrace(text, 2);
    const session = exactSession(trace, { keep: 'all' });
    session.run(inputsFor(trace));
    const { inputs, outputs } = trace.ops.find(({ name }) => name === 'drop')!;
    const [before, after] = [session.values(inputs[0]!), session.values(outputs[0]!)];
    const dropped = [...after].filter((value) => value === 0).length / after.length;
    expect(Math.abs(dropped - 0.3)).toBeLessThan(0.05);
    after.forEach((value, at) => expect(value === 0 || Math.abs(value - before[at]! / 0.7) < 1e-12).toBe(true));
  });

  it('drops the same elements where its result is computed again', () => {
    const steps = (['none', 'sqrt'] as const).map((checkpointing) => {
      const forward = forwardTrace(text, 2, 'fp32', true);
      const precision = { weights: 'fp32', activations: 'fp32' } as const;
      const session = exactSession(trainingStep(forward, { optimizer: 'sgd', precision, checkpointing }));
      for (let step = 0; step < 3; step++) session.run(inputsFor(session.trace, step), { learningRate: 0.1 });
      return ['first.weight', 'classes.weight'].map((name) => [...session.weight(name)]);
    });
    expect(steps[1]).toEqual(steps[0]);
  });

  it('refuses a rate that leaves nothing', () => {
    expect(() => forwardTrace(text.replace('0.3', '1'), 1)).toThrow(
      /dropout\.rate: 1; write a number from 0, less than 1/,
    );
  });
});

describe('one output', () => {
  const text = (act: string) => `input: [1]\nlayers:\n  - linear: { name: score, out: 1${act} }\n`;

  it.each([
    ['', 'score.bias.target'],
    [', act: sigmoid', 'score.act.target'],
  ])('is a class 0 or 1 by the sigmoid of its score%s', (act, target) => {
    const session = exactSession(trainingTrace(text(act), 3));
    session.weight('score.weight').set([2]);
    session.run({ input: [1, -1, 0.5], [target]: [1, 1, 0] });
    // -log of sigmoid(2), sigmoid(-2) and 1 - sigmoid(1)
    const expected = (Math.log1p(Math.exp(-2)) + Math.log1p(Math.exp(2)) + Math.log1p(Math.exp(1))) / 3;
    expect(session.loss).toBeCloseTo(expected, 12);
    expect(() => session.run({ input: [1, -1, 0.5], [target]: [1, 2, 0] })).toThrow(
      /target 2 at position 1; give classes 0 to 1/,
    );
  });
});

describe('positions without a class', () => {
  it('add nothing to loss and gradients', () => {
    const text = 'input: [3, 5]\nlayers:\n  - linear: { name: classes, out: 4 }\n';
    const input = Array.from({ length: 15 }, (_, at) => Math.sin(at));
    const [short, long] = [1, 3].map((steps) =>
      exactSession(trainingTrace(text.replace('[3, 5]', `[${steps}, 5]`), 1)),
    );
    short!.run({ input: input.slice(5, 10), 'classes.bias.target': [2] }, { learningRate: 0.5 });
    long!.run({ input, 'classes.bias.target': [-1, 2, -1] }, { learningRate: 0.5 });
    expect(long!.loss).toBeCloseTo(short!.loss!, 12);
    long!
      .weight('classes.weight')
      .forEach((value, at) => expect(value).toBeCloseTo(short!.weight('classes.weight')[at]!, 12));
  });
});
