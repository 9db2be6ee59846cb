import { describe, expect, it } from 'vitest';
import type { DType, Trace } from '../../../src/trace/trace.ts';
import type { StepSettings } from '../../../src/training/execute/settings.ts';
import { OPTIMIZER_STATES, type Optimizer } from '../../../src/training/optimizers.ts';
import { exactSession } from './network.ts';

/** A weight of two elements that is read as a bias, and its update from a gradient that is given as an input. */
function updateTrace(optimizer: Optimizer, dtype: DType = 'fp32'): Trace {
  const states = [...(dtype === 'fp32' ? [] : ['master']), ...OPTIMIZER_STATES[optimizer]];
  const kept = states.map((_, index) => 4 + index);
  return {
    schema: 'accsim.trace/1',
    workload: { name: 'update', batch: 1, phase: 'training', precision: 'fp32' },
    tensors: [
      { name: 'w', shape: [2], dtype, role: 'weight' },
      { name: 'x', shape: [1, 2], dtype: 'fp32', role: 'input' },
      { name: 'g', shape: [2], dtype: 'fp32', role: 'input' },
      { name: 'y', shape: [1, 2], dtype: 'fp32', role: 'output' },
      ...states.map((name) => ({ name: `w.${name}`, shape: [2], dtype: 'fp32', role: 'state' }) as const),
    ],
    ops: [
      { id: '0', name: 'bias', kind: 'elementwise', function: 'bias', phase: 'forward', inputs: [1, 0], outputs: [3] },
      {
        id: '1',
        name: 'w.update',
        kind: 'update',
        optimizer,
        sparse: false,
        phase: 'update',
        inputs: dtype === 'fp32' ? [0, 2, ...kept] : [2, ...kept],
        outputs: [0, ...kept],
      },
    ],
  };
}

const [FIRST, SECOND] = [
  [0.5, -1],
  [0.25, 2],
];

/** Weights after each gradient, from [1, -2], at learning rate 0.1 unless told. */
function steps(
  optimizer: Optimizer,
  settings: Partial<StepSettings>,
  gradients: readonly (readonly number[])[] = [FIRST!, SECOND!],
): number[] {
  const session = exactSession(updateTrace(optimizer), { batchesPerEpoch: 2 });
  session.weight('w').set([1, -2]);
  gradients.forEach((g, index) =>
    session.run({ x: [0, 0], g }, { learningRate: 0.1, batchIndex: index % 2, ...settings }),
  );
  return [...session.weight('w')];
}

describe('two steps by hand, weights [1, -2], gradients [0.5, -1] and [0.25, 2], rate 0.1', () => {
  const cases: [Optimizer, Partial<StepSettings>, number[]][] = [
    ['gd', {}, [0.925, -2.1]],
    // With decay: [0.6, -1.2], then [0.25 + 0.094, 2 - 0.188].
    ['sgd', { weightDecay: 0.1 }, [0.9056, -2.0612]],
    // Velocities [0.5, -1] and [0.7, 1.1].
    ['momentum', {}, [0.88, -2.01]],
    // Steps [0.95, -1.9] and [0.88, 2.99].
    ['nesterov', {}, [0.817, -2.109]],
    // Sums of squares [0.25, 1] and [0.3125, 5].
    ['adagrad', { epsilon: 0 }, [0.9 - 0.025 / Math.sqrt(0.3125), -1.9 - 0.2 / Math.sqrt(5)]],
    // Mean squares [0.025, 0.1] and [0.02875, 0.49]; the first step is 0.1 / sqrt(0.1) in both.
    ['rmsprop', { epsilon: 0 }, [1 - Math.sqrt(0.1) - 0.025 / Math.sqrt(0.02875), -2 + Math.sqrt(0.1) - 0.2 / 0.7]],
    // First step: 0.1 against the gradient's sign; then means [0.07, 0.11] / 0.19, squares [0.00031225, 0.004999] / 0.001999.
    [
      'adam',
      { epsilon: 0 },
      [
        0.9 - (0.1 * 0.07) / 0.19 / Math.sqrt(0.00031225 / 0.001999),
        -1.9 - (0.1 * 0.11) / 0.19 / Math.sqrt(0.004999 / 0.001999),
      ],
    ],
    // Rate of the first step: 0.1 * 0.001 sqrt(5) / sqrt(1.25) = 0.0002, velocity [0.0001, -0.0002]; of the second, |w| = 0.9999 sqrt(5).
    [
      'lars',
      {},
      [
        0.9999 - 0.00009 - (0.0001 * 0.9999 * Math.sqrt(5) * 0.25) / Math.sqrt(4.0625),
        -1.9998 + 0.00018 - (0.0001 * 0.9999 * Math.sqrt(5) * 2) / Math.sqrt(4.0625),
      ],
    ],
  ];
  it.each(cases)('%s', (optimizer, settings, expected) => {
    steps(optimizer, settings).forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 12));
  });

  it('sag averages the last gradient of each mini-batch', () => {
    // Means: [0.5, -1]; [0.75, 1] / 2; the first batch again with [1, 0]: [1.25, 2] / 2.
    const weights = steps('sag', {}, [FIRST!, SECOND!, [1, 0]]);
    expect(weights[0]).toBeCloseTo(1 - 0.05 - 0.0375 - 0.0625, 12);
    expect(weights[1]).toBeCloseTo(-2 + 0.1 - 0.05 - 0.1, 12);
  });

  it('the loss scale is taken out of the gradient', () => {
    const scaled = [FIRST!, SECOND!].map((gradient) => gradient.map((value) => value * 1024));
    expect(steps('momentum', { lossScale: 1024 }, scaled)).toEqual(steps('momentum', {}));
  });
});

describe('updates', () => {
  it('a master copy collects changes that the weight is too coarse for', () => {
    const session = exactSession(updateTrace('gd', 'bf16'), {
      round: (id, values) => {
        if (id === 0) values.forEach((value, at) => (values[at] = Math.round(value * 4) / 4));
      },
    });
    // Three steps of 0.05: the weight, in quarters, moves with the second and third.
    const seen = [1, 2, 3].map(() => {
      session.run({ x: [0, 0], g: [1, -1] }, { learningRate: 0.05 });
      return [...session.weight('w')];
    });
    expect(seen).toEqual([
      [-0, 0],
      [-0, 0],
      [-0.25, 0.25],
    ]);
  });

  it('refuses a mini-batch the epoch has not', () => {
    expect(() => steps('sag', { batchIndex: 2 })).toThrow(/batchIndex: 2 of 2 mini-batches/);
  });
});
