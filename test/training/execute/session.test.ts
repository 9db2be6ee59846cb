import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/numerics/random.ts';
import { elements } from '../../../src/trace/facts.ts';
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

  it.each([
    [
      'input: [2, 3, 3]\nlayers:\n  - norm: { function: weight }\n  - flatten: {}\n',
      /weight normalisation cannot run with values yet/,
    ],
    ['input: [4]\nlayers:\n  - linear: { out: 1 }\n', /cross entropy over one class/],
    ['input: [5, 4]\nlayers:\n  - constant: { rows: 2 }\n', /elementwise of shapes \[2, 5, 4\], \[2, 4\]/],
  ])('refuses what cannot run with values', (text, message) => {
    expect(() => exactSession(trainingTrace(text, 2))).toThrow(message);
  });

  it('refuses the checkpoint of another network', () => {
    expect(() => session.restore(new Session(trainingTrace(RING, 1), { seed: 1 }).checkpoint())).toThrow(
      /first\.weight: missing from the checkpoint/,
    );
  });
});
