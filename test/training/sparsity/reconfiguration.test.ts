import { describe, expect, it } from 'vitest';
import type { Session } from '../../../src/training/execute/session.ts';
import { shrinkInputs, shrinkOutputs } from '../../../src/training/sparsity/group-lasso.ts';
import { reconfigure, smallerWeight } from '../../../src/training/sparsity/reconfiguration.ts';
import { prunableWeights, readWeights } from '../../../src/training/sparsity/weight-layout.ts';
import { parameters, totalMacs } from '../../../src/trace/facts.ts';
import { exactSession, forwardTrace, inputsFor } from '../execute/network.ts';
import { filters, matrix } from './weights.ts';

const network = (maps: number, second: number, hidden: number): string => `input: [2, 6, 6]
layers:
  - conv: { name: conv1, out: ${maps}, kernel: 3, act: relu }
  - pool: { window: 2, stride: 2 }
  - conv: { name: conv2, out: ${second}, kernel: 1, act: tanh }
  - flatten: {}
  - linear: { name: fc1, out: ${hidden}, act: relu }
  - linear: { name: fc2, out: 3 }
`;
const LARGE = network(4, 3, 6);

/** Sets output channels of a layer, biases included, to zero. */
function silence(session: Session, name: string, outputs: readonly number[]): void {
  const { layout, values } = readWeights(prunableWeights(session.trace), (weight) => session.weight(weight)).find(
    (weight) => weight.layout.name === `${name}.weight`,
  )!;
  for (const output of outputs) {
    session.weight(`${name}.bias`)[output] = 0;
    for (let channel = 0; channel < layout.channels; channel++)
      for (let tap = 0; tap < layout.taps; tap++)
        values[output * layout.outputStride + channel * layout.channelStride + tap] = 0;
  }
}

/** Biases that are not zero. */
function withBiases(text: string): Session {
  const session = exactSession(forwardTrace(text, 2));
  for (const { name, role } of session.trace.tensors)
    if (role === 'weight' && /bias|shift/.test(name)) session.weight(name).fill(0.3);
  return session;
}

const read = (session: Session) => (name: string) => session.weight(name);

describe('proximal step of the group lasso', () => {
  it('shortens a channel by amount times the root of its size, or to zero', () => {
    // Column 0 is (3, 4), of norm 5, with bias 0: 0.5 sqrt(3) goes. Column 1 is (0.1, 0) with bias 0.2: all goes.
    const weight = matrix('matrix', 2, 2, [3, 0.1, 4, -0]);
    const bias = Float64Array.of(0, 0.2);
    shrinkOutputs(weight, bias, 0.5);
    const factor = 1 - (0.5 * Math.sqrt(3)) / 5;
    expect(weight.values[0]).toBeCloseTo(3 * factor, 12);
    expect(weight.values[2]).toBeCloseTo(4 * factor, 12);
    expect([weight.values[1], weight.values[3], bias[0], bias[1]]).toEqual([0, 0, 0, 0]);
  });

  it('takes input channels over all outputs and taps', () => {
    const conv = filters('filters', 2, 2, 1, [3, 0.1, 4, 0.1]);
    shrinkInputs(conv, 1);
    const factor = 1 - Math.sqrt(2) / 5;
    expect(conv.values[0]).toBeCloseTo(3 * factor, 12);
    expect(conv.values[2]).toBeCloseTo(4 * factor, 12);
    expect([conv.values[1], conv.values[3]]).toEqual([0, 0]);
  });
});

describe('reconfiguration', () => {
  it('leaves out silent channels and what nothing reads, and computes the same', () => {
    const session = withBiases(LARGE);
    silence(session, 'conv1', [1, 2]);
    silence(session, 'conv2', [0]);
    silence(session, 'fc1', [5]);
    // Nothing reads hidden feature 3, though it is not silent.
    for (let output = 0; output < 3; output++) session.weight('fc2.weight')[3 * 3 + output] = 0;
    const { trace } = session;
    const found = reconfigure(trace, read(session));
    expect(found.layers.map(({ weight, outputs }) => [weight, ...outputs])).toEqual([
      ['conv1.weight', 0, 3],
      ['conv2.weight', 1, 2],
      ['fc1.weight', 0, 1, 2, 4],
      ['fc2.weight', 0, 1, 2],
    ]);
    expect([...found.layers[2]!.inputs]).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);

    const smaller = exactSession(forwardTrace(network(2, 2, 4), 2));
    expect(found.parameters).toEqual({ before: parameters(trace), after: parameters(smaller.trace) });
    expect(found.forwardMacs).toEqual({ before: totalMacs(trace), after: totalMacs(smaller.trace) });
    const weights = new Map(
      readWeights(prunableWeights(trace), read(session)).map((weight) => [weight.layout.name, weight]),
    );
    for (const layer of found.layers) {
      smaller.weight(layer.weight).set(smallerWeight(weights.get(layer.weight)!, layer));
      const bias = layer.weight.replace('.weight', '.bias');
      smaller.weight(bias).set(Float64Array.from(layer.outputs, (output) => session.weight(bias)[output]!));
    }
    const results = [session, smaller].map((one) => {
      one.run(inputsFor(one.trace));
      return one.values(one.trace.tensors.findIndex(({ role }) => role === 'output'));
    });
    results[0]!.forEach((value, index) => {
      expect(results[1]![index]).toBeCloseTo(value, 12);
    });
  });

  it('keeps a channel whose bias speaks, one channel at least, and all results', () => {
    const session = withBiases(LARGE);
    silence(session, 'conv1', [0, 1, 2, 3]);
    session.weight('conv1.bias')[2] = 0.5;
    silence(session, 'conv2', [0, 1, 2]);
    silence(session, 'fc2', [0]);
    const { layers } = reconfigure(session.trace, read(session));
    // conv2 reads nothing any more, so conv1 is read by nobody: one of each stays.
    expect(layers.map(({ outputs }) => outputs.length)).toEqual([1, 1, 6, 3]);
    const speaking = withBiases(LARGE);
    silence(speaking, 'conv1', [0, 1, 2, 3]);
    speaking.weight('conv1.bias')[2] = 0.5;
    expect([...reconfigure(speaking.trace, read(speaking)).layers[0]!.outputs]).toEqual([2]);
  });

  it('removes a channel of a residual sum only if all that is added up is silent there', () => {
    const text = `input: [2, 4, 4]
layers:
  - conv: { name: stem, out: 4, kernel: 1, norm: batch, act: relu }
  - conv: { name: branch, out: 4, kernel: 1, norm: batch }
  - add: { from: [stem, branch] }
  - act: { function: relu }
  - flatten: {}
  - linear: { name: classes, out: 3 }
`;
    const session = withBiases(text);
    const quiet = (name: string, channels: readonly number[]): void => {
      const weight = session.weight(`${name}.weight`);
      const width = weight.length / 4;
      for (const channel of channels) {
        weight.fill(0, channel * width, (channel + 1) * width);
        session.weight(`${name}.norm.shift`)[channel] = 0;
      }
    };
    quiet('stem', [0, 1]);
    quiet('branch', [1, 2]);
    const { layers } = reconfigure(session.trace, read(session));
    expect(layers.map(({ weight, outputs }) => [weight, ...outputs])).toEqual([
      ['stem.weight', 0, 2, 3],
      ['branch.weight', 0, 2, 3],
      ['classes.weight', 0, 1, 2],
    ]);
  });

  it('leaves channels alone where it does not follow them', () => {
    const text = `input: [2, 4, 4]
layers:
  - conv: { name: first, out: 4, kernel: 1, act: sigmoid }
  - conv: { name: depthwise, out: 4, kernel: 1, groups: 4 }
  - conv: { name: last, out: 4, kernel: 1 }
`;
    const session = withBiases(text);
    silence(session, 'first', [0]);
    silence(session, 'depthwise', [1]);
    silence(session, 'last', [2]);
    for (const { outputs } of reconfigure(session.trace, read(session)).layers) expect(outputs).toHaveLength(4);
  });
});
