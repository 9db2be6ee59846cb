import { describe, expect, it } from 'vitest';
import { plainContractions } from '../../src/numerics/ops/plain-contractions.ts';
import type { Values } from '../../src/numerics/ops/values.ts';
import { Random } from '../../src/numerics/random.ts';
import { Session } from '../../src/training/execute/session.ts';
import { Ranges } from '../../src/training/integer/grids.ts';
import { integerNetwork } from '../../src/training/integer/network.ts';
import { integerProduct } from '../../src/training/integer/product.ts';
import { integerAccuracy } from '../../src/training/quantized.ts';
import { forwardTrace } from './execute/network.ts';
import { learner, trainAll } from './learning.ts';

const SAMPLES = 16;

/** Results of a network with its first weights, in real numbers and in integers calibrated on the same inputs. */
function both(text: string, bits: 4 | 8 = 8) {
  const forward = forwardTrace(text, SAMPLES);
  const ranges = new Ranges();
  const session = new Session(forward, { seed: 3, contractions: plainContractions(), round: ranges.add });
  const input = forward.tensors.findIndex(({ role }) => role === 'input');
  const output = forward.tensors.findIndex(({ role }) => role === 'output');
  const random = Random.seeded(7);
  const values = Float32Array.from(session.values(input), () => random.normal());
  const weights = new Map<string, Values>();
  for (const { name, role } of forward.tensors) {
    if (role !== 'weight') continue;
    if (name.endsWith('.bias')) session.weight(name).forEach((_, at, bias) => (bias[at] = random.normal() / 4));
    weights.set(name, session.weight(name));
  }
  session.run({ [forward.tensors[input]!.name]: values });
  const weight = (name: string): Float32Array => Float32Array.from(weights.get(name)!);
  const network = integerNetwork({ forward, grids: ranges.grids(bits), weight });
  network.setInput(input, values);
  network.run();
  const { integers, grid } = network.result(output);
  return { real: Array.from(session.values(output)), integers, grid };
}

const CASES: readonly (readonly [string, string, number])[] = [
  ['linear layers', 'input: [12]\nlayers:\n  - linear: { out: 24, act: relu }\n  - linear: { out: 5 }\n', 0.03],
  ['K-TanH', 'input: [12]\nlayers:\n  - linear: { out: 24, act: tanh }\n  - linear: { out: 5 }\n', 0.05],
  ['integer GELU', 'input: [12]\nlayers:\n  - linear: { out: 24, act: gelu }\n  - linear: { out: 5 }\n', 0.06],
  ['integer softmax', 'input: [12]\nlayers:\n  - linear: { out: 6 }\n  - softmax: {}\n', 0.03],
  [
    'convolutions with padding, stride and groups, pools',
    'input: [4, 9, 9]\nlayers:\n  - conv: { out: 8, kernel: 3, padding: 1, groups: 2, act: relu }\n' +
      '  - pool: { window: 2, stride: 2 }\n  - conv: { out: 6, kernel: 3, stride: 2, padding: 1, act: relu6 }\n' +
      '  - globalpool: {}\n  - linear: { out: 5 }\n',
    0.05,
  ],
  [
    'residual sums',
    'input: [4, 6, 6]\nlayers:\n  - conv: { name: a, out: 4, kernel: 3, padding: 1, act: relu }\n' +
      '  - conv: { name: b, out: 4, kernel: 3, padding: 1 }\n  - add: { from: [a, b], act: relu }\n' +
      '  - flatten: {}\n  - linear: { out: 5 }\n',
    0.05,
  ],
];

describe('networks in integers', () => {
  it.each(CASES)('%s: near the real network', (_, text, bound) => {
    const { real, integers, grid } = both(text);
    const span = Math.max(...real) - Math.min(...real);
    expect(span).toBeGreaterThan(0);
    real.forEach((value, at) => {
      expect(Math.abs(grid.scale * (integers[at]! - grid.zeroPoint) - value) / span).toBeLessThan(bound);
    });
  });

  it('keep 4 bits where told', () => {
    const { integers } = both(CASES[0]![1], 4);
    expect(Math.min(...integers)).toBeGreaterThanOrEqual(-8);
    expect(Math.max(...integers)).toBeLessThanOrEqual(7);
    expect(new Set(integers).size).toBeGreaterThan(4);
  });

  it('refuse what has no form in integers', () => {
    const text =
      'input: [12]\nlayers:\n  - linear: { out: 8 }\n  - norm: { function: layer }\n  - linear: { out: 5 }\n';
    expect(() => both(text)).toThrow(/has no form in integers/);
  });

  it('tell a trained perceptron’s classes within 0.3 points', () => {
    const trainer = trainAll(learner());
    const accuracy = trainer.testAccuracy();
    expect(accuracy).toBeGreaterThan(0.95);
    expect(Math.abs(integerAccuracy(trainer.network, 8) - accuracy)).toBeLessThanOrEqual(0.003);
  });

  it('need no real numbers while they run', () => {
    const forward = forwardTrace(CASES[4]![1], 2);
    const ranges = new Ranges();
    const session = new Session(forward, { seed: 3, contractions: plainContractions(), round: ranges.add });
    session.run({ [forward.tensors[0]!.name]: new Float32Array(2 * 4 * 81).fill(0.5) });
    const weight = (name: string): Float32Array => Float32Array.from(session.weight(name));
    const network = integerNetwork({ forward, grids: ranges.grids(8), weight });
    network.setInput(0, new Float32Array(2 * 4 * 81).fill(0.5));
    // A run that made or filled an array of real numbers would meet these.
    const real = [Float32Array, Float64Array] as const;
    const setters = real.map((array) => array.prototype.set);
    const refuse = (): never => {
      throw new Error('real numbers');
    };
    const [single, double] = [globalThis.Float32Array, globalThis.Float64Array];
    try {
      for (const array of real) array.prototype.set = refuse;
      Object.assign(globalThis, { Float32Array: refuse, Float64Array: refuse });
      network.run();
    } finally {
      Object.assign(globalThis, { Float32Array: single, Float64Array: double });
      real.forEach((array, index) => {
        array.prototype.set = setters[index]!;
      });
    }
    expect(network.result(forward.tensors.findIndex(({ role }) => role === 'output')).integers).toBeInstanceOf(
      Int8Array,
    );
  });

  it('multiply 8-bit integers and add up 32-bit ones, less their zero points', () => {
    const random = Random.seeded(4);
    const drawn = (length: number): Int8Array => Int8Array.from({ length }, () => random.below(256) - 128);
    const [m, n, k] = [3, 7, 29];
    const [left, right] = [
      { rows: drawn(m * k), zeroPoint: -128 },
      { rows: drawn(n * k), zeroPoint: 5 },
    ];
    const sums = new Int32Array(m * n);
    integerProduct(m, n, k, left, right, sums);
    sums.forEach((sum, at) => {
      let expected = 0;
      for (let term = 0; term < k; term++)
        expected += (left.rows[Math.floor(at / n) * k + term]! + 128) * (right.rows[(at % n) * k + term]! - 5);
      expect(sum).toBe(expected);
    });
  });
});
