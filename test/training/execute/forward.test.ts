import { describe, expect, it } from 'vitest';
import type { Session } from '../../../src/training/execute/session.ts';
import { exactSession, forwardTrace, inputsFor } from './network.ts';

/** Forward results by their definition, written out step by step; gradients only show that forward and backward belong together. */

type Vector = readonly number[];
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const range = (length: number): number[] => Array.from({ length }, (_, index) => index);

/** Runs a network on one sequence [3, width] and gives back its result, row by row, with the weights. */
function run(text: string, input: Vector): { result: number[]; session: Session } {
  const trace = forwardTrace(text, 1);
  const session = exactSession(trace, { seed: 11 });
  for (const { name, role } of trace.tensors)
    if (role === 'weight') session.weight(name).forEach((value, at, all) => (all[at] = value + 0.05 * Math.cos(at)));
  session.run({ input });
  return { result: [...session.values(trace.tensors.findIndex(({ role }) => role === 'output'))], session };
}

/** x [width] times a weight [width, out], with a bias. */
function affine(session: Session, name: string, x: Vector, bias: string | null): number[] {
  const weight = session.weight(`${name}.weight`);
  const out = weight.length / x.length;
  return range(out).map((column) =>
    x.reduce(
      (sum, value, row) => sum + value * weight[row * out + column]!,
      bias === null ? 0 : session.weight(bias)[column]!,
    ),
  );
}

const INPUT = [0.3, -1.2, 0.8, 1.1, 0.2, -0.7, -0.4, 0.9, 0.5, -0.1, 0.6, 1.3];
const ROWS = [INPUT.slice(0, 4), INPUT.slice(4, 8), INPUT.slice(8)];

function expectClose(result: Vector, expected: Vector): void {
  expect(result).toHaveLength(expected.length);
  result.forEach((value, at) => expect(value).toBeCloseTo(expected[at]!, 12));
}

describe('recurrent layers', () => {
  it('lstm', () => {
    const { result, session } = run('input: [3, 4]\nlayers:\n  - lstm: { name: l, hidden: 2 }\n', INPUT);
    let [hidden, cell] = [
      [0, 0],
      [0, 0],
    ];
    const expected = ROWS.flatMap((x) => {
      const recurrent = affine(session, 'l.recurrent', hidden, null);
      const gates = affine(session, 'l.input', x, 'l.bias0').map((value, at) => value + recurrent[at]!);
      cell = range(2).map(
        (at) => sigmoid(gates[2 + at]!) * cell[at]! + sigmoid(gates[at]!) * Math.tanh(gates[6 + at]!),
      );
      hidden = range(2).map((at) => sigmoid(gates[4 + at]!) * Math.tanh(cell[at]!));
      return hidden;
    });
    expectClose(result, expected);
  });

  it('gru, from the last step to the first', () => {
    const text = 'input: [3, 4]\nlayers:\n  - gru: { name: g, hidden: 2, bidirectional: true }\n';
    const { result, session } = run(text, INPUT);
    let hidden = [0, 0];
    for (const step of [2, 1, 0]) {
      const recurrent = affine(session, 'g.backward.recurrent', hidden, null);
      const input = affine(session, 'g.backward.input', ROWS[step]!, 'g.backward.bias0');
      hidden = range(2).map((at) => {
        const [reset, update] = [sigmoid(input[at]! + recurrent[at]!), sigmoid(input[2 + at]! + recurrent[2 + at]!)];
        const candidate = Math.tanh(input[4 + at]! + reset * recurrent[4 + at]!);
        return (1 - update) * candidate + update * hidden[at]!;
      });
      expectClose(result.slice(step * 4 + 2, step * 4 + 4), hidden);
    }
  });
});

describe('attention', () => {
  it('two heads, masked', () => {
    const text = 'input: [3, 4]\nlayers:\n  - attention: { name: a, heads: 2, mask: true }\n';
    const { result, session } = run(text, INPUT);
    const [q, k, v] = ['query', 'key', 'value'].map((part) =>
      ROWS.map((x) => affine(session, `a.${part}`, x, `a.${part}.bias`)),
    ) as [number[][], number[][], number[][]];
    const expected = range(3).flatMap((to) => {
      const context = [0, 1].flatMap((head) => {
        const [first, second] = [2 * head, 2 * head + 1];
        const powers = range(to + 1).map((from) =>
          Math.exp((q[to]![first]! * k[from]![first]! + q[to]![second]! * k[from]![second]!) / Math.SQRT2),
        );
        const sum = powers.reduce((total, one) => total + one, 0);
        return [first, second].map((at) => powers.reduce((total, one, from) => total + (one / sum) * v[from]![at]!, 0));
      });
      return affine(session, 'a.output', context, 'a.output.bias');
    });
    expectClose(result, expected);
  });
});

describe('first weights', () => {
  const session = exactSession(
    forwardTrace(
      'input: [8, 16, 16]\nlayers:\n  - conv: { name: c, out: 64, kernel: 3, norm: batch, act: relu }\n  - flatten: {}\n  - linear: { name: l, out: 10, act: tanh }\n',
      1,
    ),
  );
  const deviation = (name: string): number => {
    const weight = Array.from(session.weight(name));
    return Math.sqrt(weight.reduce((sum, value) => sum + value * value, 0) / weight.length);
  };

  it('have the variance of He before rectifiers and of Glorot elsewhere, within 5 %', () => {
    expect(deviation('c.weight') / Math.sqrt(2 / 72)).toBeCloseTo(1, 1);
    expect(deviation('l.weight') / Math.sqrt(2 / (64 * 196 + 10))).toBeCloseTo(1, 1);
  });

  it('are 1 for scales and 0 for shifts and biases', () => {
    expect(session.weight('c.norm.scale').every((value: number) => value === 1)).toBe(true);
    for (const name of ['c.norm.shift', 'l.bias'])
      expect(session.weight(name).every((value: number) => value === 0)).toBe(true);
  });

  it('do not depend on the rest of the network', () => {
    const alone = forwardTrace(
      'input: [8, 16, 16]\nlayers:\n  - conv: { name: c, out: 64, kernel: 3, act: relu }\n',
      2,
    );
    expect(exactSession(alone).weight('c.weight')).toEqual(session.weight('c.weight'));
    expect(inputsFor(alone)).toHaveProperty('input');
  });
});
