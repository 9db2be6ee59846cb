import { describe, expect, it } from 'vitest';
import { dataPath, readInputBytes } from '../../../src/files.ts';
import { createKernels } from '../../../src/numerics/kernels/kernels.ts';
import { Random } from '../../../src/numerics/random.ts';
import type { StepSettings } from '../../../src/training/execute/settings.ts';
import { updateParts } from '../../../src/training/execute/update-parts.ts';
import type { Inputs } from '../../../src/training/execute/inputs.ts';
import { Session, type SessionOptions } from '../../../src/training/execute/session.ts';
import { fastContractions } from '../../../src/training/fast-contractions.ts';
import { type StepOptions, trainingStep } from '../../../src/training/step.ts';
import type { Trace } from '../../../src/trace/trace.ts';
import { parsePrecision } from '../../../src/workload/precision.ts';
import { forwardTrace } from './network.ts';

const NETWORK = `
input: [9]
layers:
  - linear: { name: first, out: 7, act: relu }
  - linear: { name: second, out: 5, act: tanh }
  - linear: { name: classes, out: 3 }
`;

const contractions = fastContractions(createKernels(readInputBytes(dataPath('dist', 'kernels.wasm'))));

/** A step of one sample. */
function stepTrace(options: Partial<StepOptions> = {}): Trace {
  const precision = parsePrecision('fp32');
  return trainingStep(forwardTrace(NETWORK, 1, 'fp32', true), { optimizer: 'gd', precision, ...options });
}

/** One sample, other ones for other numbers. */
function sample(number: number): Inputs {
  const random = Random.seeded(number);
  return { input: Array.from({ length: 9 }, () => random.normal()), 'classes.bias.target': [number % 3] };
}

function session(trace: Trace, options: Partial<SessionOptions> = {}): Session {
  return new Session(trace, { seed: 1, contractions, ...options });
}

/** Gradients of the weights: kept, they are stored. */
function gradients({ ops }: Trace): number[] {
  return ops.flatMap((op) => (op.kind === 'update' ? [updateParts(op).gradient] : []));
}

describe('gradients of one sample that are not stored', () => {
  it.each<[string, Partial<StepOptions>, Partial<StepSettings>]>([
    ['descent', {}, {}],
    ['weight decay', {}, { weightDecay: 0.01 }],
    ['a scaled loss', {}, { lossScale: 1024 }],
    ['continuous propagation', { propagation: 'pipelined' }, {}],
    ['feedback alignment', { feedback: 'alignment' }, {}],
    ['direct feedback alignment', { feedback: 'direct' }, {}],
  ])('change weights as stored ones do, bit by bit: %s', (_, options, settings) => {
    const trace = stepTrace(options);
    const [fused, stored] = [session(trace), session(trace, { keep: gradients(trace) })];
    for (let step = 0; step < 9; step++)
      for (const one of [fused, stored]) one.run(sample(step), { learningRate: 0.1, ...settings });
    expect(fused.checkpoint()).toEqual(stored.checkpoint());
    expect(() => fused.values(gradients(trace)[0]!)).toThrow('is not kept after a run');
  });

  it('are refused where they overflow, by the op that makes them, before a weight changes', () => {
    const trace = stepTrace();
    const one = session(trace);
    one.run(sample(0));
    // Nothing of the input reaches the loss, so that it stays finite.
    one.weight('first.weight').fill(0);
    const before = structuredClone(one.checkpoint());
    const input = Array.from({ length: 9 }, () => 1e-3);
    // The first layer's error is finite; times an element of the input it is not.
    input[4] = 1e12;
    expect(() => one.run({ ...sample(0), input }, { lossScale: 1e30 })).toThrow(
      /^first\.weight-gradient \(weight-gradient\): -?Infinity in step 2/,
    );
    expect(one.checkpoint()).toEqual(before);
  });
});
