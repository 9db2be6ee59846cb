import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { Session } from '../../src/training/execute/session.ts';
import { trainingStep } from '../../src/training/step.ts';
import { buildTrace } from '../../src/workload/build.ts';
import { parseNetwork } from '../../src/workload/network.ts';
import { parseYaml } from '../../src/yaml.ts';

/** Single precision on both sides, sums in different orders. */
const TOLERANCE = 2e-4;
const BATCH = 3;
const FP32 = { weights: 'fp32', activations: 'fp32' } as const;

type Weights = Readonly<Record<string, tf.Tensor>>;
type Network = (input: tf.Tensor, weights: Weights) => tf.Tensor;

/** Loss and weight gradients of a network written as YAML, by our trace and by TensorFlow.js from the same weights. */
function compare(layers: string, shape: readonly number[], classes: number, network: Network): void {
  const text = `name: compared\ninput: [${shape.join(', ')}]\nlayers:\n${layers}`;
  const forward = buildTrace(parseNetwork(parseYaml(text, 'test'), 'test'), {
    batch: BATCH,
    precision: FP32,
    precisionText: 'fp32',
  });
  const step = trainingStep(forward, { optimizer: 'sgd', precision: FP32 });
  const session = new Session(step, { seed: 11, keep: 'all' });
  const weightIds = step.tensors.flatMap(({ role }, id) => (role === 'weight' ? [id] : []));
  const weights = weightIds.map((id) => tf.tensor(Array.from(session.values(id)), [...step.tensors[id]!.shape]));
  const names = weightIds.map((id) => step.tensors[id]!.name);
  const size = BATCH * shape.reduce((product, length) => product * length, 1);
  const values = Float32Array.from({ length: size }, (_, index) => Math.sin(index * 1.7) + 0.1 * Math.cos(index * 0.3));
  const labels = Array.from({ length: BATCH }, (_, row) => (row * 2 + 1) % classes);
  const target = step.tensors.find(({ name }) => name.endsWith('.target'))!.name;
  session.run({ input: values, [target]: labels }, { learningRate: 0 });

  const input = tf.tensor(values, [BATCH, ...shape]);
  const loss = (...given: tf.Tensor[]): tf.Scalar => {
    const logits = network(input, Object.fromEntries(names.map((name, index) => [name, given[index]!]))) as tf.Tensor2D;
    const chosen = tf.mul(tf.oneHot(tf.tensor1d(labels, 'int32'), classes), tf.logSoftmax(logits));
    return tf.neg(tf.mean(tf.sum(chosen, 1))) as tf.Scalar;
  };
  const { value, grads } = tf.valueAndGrads(loss)(weights);
  expect(session.loss!).toBeCloseTo(value.dataSync()[0]!, 4);
  for (const [index, id] of weightIds.entries()) {
    const update = step.ops.find((op) => op.kind === 'update' && op.outputs[0] === id)!;
    const ours = session.values(update.inputs[1]!);
    const theirs = Array.from(grads[index]!.dataSync() as Float32Array);
    const largest = theirs.reduce((most, one) => Math.max(most, Math.abs(one)), 1e-3);
    for (let at = 0; at < theirs.length; at++) {
      const difference = Math.abs(ours[at]! - theirs[at]!);
      if (difference > TOLERANCE * largest)
        expect.fail(`${names[index]}[${at}]: ${ours[at]} here, ${theirs[at]} there`);
    }
  }
}

/** [N, C, H, W] as TensorFlow.js wants it, and back. */
const toNhwc = (x: tf.Tensor): tf.Tensor4D => tf.transpose(x, [0, 2, 3, 1]) as tf.Tensor4D;
const toNchw = (x: tf.Tensor): tf.Tensor4D => tf.transpose(x, [0, 3, 1, 2]) as tf.Tensor4D;
const filter = (w: tf.Tensor): tf.Tensor4D => tf.transpose(w, [2, 3, 1, 0]) as tf.Tensor4D;
const channels = (b: tf.Tensor): tf.Tensor => tf.reshape(b, [1, -1, 1, 1]);
const linear = (x: tf.Tensor, w: Weights, name: string): tf.Tensor =>
  tf.add(tf.matMul(x as tf.Tensor2D, w[`${name}.weight`] as tf.Tensor2D), w[`${name}.bias`]!);

describe('gradients against TensorFlow.js', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('convolution with stride and padding, relu, max pooling, dense layers', () => {
    const layers =
      '  - conv: { name: a, out: 6, kernel: 3, stride: 2, padding: 1, act: relu }\n  - pool: { window: 2, stride: 2 }\n' +
      '  - conv: { name: b, out: 5, kernel: 2, act: tanh }\n  - flatten: {}\n  - linear: { name: c, out: 4 }\n';
    compare(layers, [2, 13, 13], 4, (x, w) => {
      const padded = tf.pad(toNhwc(x), [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]);
      const a = tf.relu(tf.add(toNchw(tf.conv2d(padded, filter(w['a.weight']!), 2, 'valid')), channels(w['a.bias']!)));
      const pooled = tf.maxPool(toNhwc(a), 2, 2, 'valid');
      const b = tf.tanh(tf.add(toNchw(tf.conv2d(pooled, filter(w['b.weight']!), 1, 'valid')), channels(w['b.bias']!)));
      return linear(tf.reshape(b, [BATCH, -1]), w, 'c');
    });
  });

  it('depthwise convolution, batch normalisation, residual, average pooling', () => {
    const layers =
      '  - conv: { name: first, out: 4, kernel: 1, bias: false }\n' +
      '  - conv: { name: d, depthwise: true, kernel: 3, padding: 1, norm: batch, act: relu }\n' +
      '  - add: { name: sum, from: [first, d] }\n  - conv: { name: e, out: 3, kernel: 3, bias: false }\n' +
      '  - pool: { function: average, window: 2, stride: 2 }\n  - globalpool: {}\n';
    compare(layers, [3, 10, 10], 3, (x, w) => {
      const first = tf.conv2d(toNhwc(x), filter(w['first.weight']!), 1, 'valid');
      // [k, 1, r, s] -> [r, s, k, 1]
      const taps = tf.transpose(w['d.weight']!, [2, 3, 0, 1]) as tf.Tensor4D;
      const d = tf.depthwiseConv2d(first, taps, 1, 'same');
      const { mean, variance } = tf.moments(d, [0, 1, 2]);
      const normal = tf.div(tf.sub(d, mean), tf.sqrt(tf.add(variance, 1e-5)));
      const scaled = tf.relu(tf.add(tf.mul(normal, w['d.norm.scale']!), w['d.norm.shift']!));
      const e = tf.conv2d(tf.add(first, scaled) as tf.Tensor4D, filter(w['e.weight']!), 1, 'valid');
      return tf.mean(tf.avgPool(e, 2, 2, 'valid'), [1, 2]);
    });
  });

  it('attention, layer normalisation, sigmoid', () => {
    const layers =
      '  - attention: { name: att, heads: 2, norm: layer }\n  - step: {}\n  - linear: { name: hidden, out: 7, act: sigmoid }\n' +
      '  - linear: { name: out, out: 3 }\n';
    compare(layers, [5, 8], 3, (x, w) => {
      const project = (from: tf.Tensor, name: string): tf.Tensor =>
        tf.reshape(linear(tf.reshape(from, [-1, 8]), w, name), [BATCH, 5, 8]);
      const heads = (y: tf.Tensor): tf.Tensor => tf.transpose(tf.reshape(y, [BATCH, 5, 2, 4]), [0, 2, 1, 3]);
      const [q, k, v] = ['query', 'key', 'value'].map((part) => heads(project(x, `att.${part}`))) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const shares = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / 2));
      const mixed = tf.reshape(tf.transpose(tf.matMul(shares, v), [0, 2, 1, 3]), [BATCH, 5, 8]);
      const output = project(mixed, 'att.output');
      const { mean, variance } = tf.moments(output, -1, true);
      const normal = tf.div(tf.sub(output, mean), tf.sqrt(tf.add(variance, 1e-5)));
      const scaled = tf.add(tf.mul(normal, w['att.norm.scale']!), w['att.norm.shift']!);
      const last = tf.reshape(tf.slice(scaled, [0, 4, 0], [BATCH, 1, 8]), [BATCH, 8]);
      return linear(tf.sigmoid(linear(last, w, 'hidden')), w, 'out');
    });
  });

  it('an LSTM through time', () => {
    compare(
      '  - lstm: { name: cell, hidden: 6 }\n  - step: {}\n  - linear: { name: out, out: 3 }\n',
      [4, 5],
      3,
      (x, w) => {
        let [h, c]: tf.Tensor[] = [tf.zeros([BATCH, 6]), tf.zeros([BATCH, 6])];
        for (let time = 0; time < 4; time++) {
          const at = tf.reshape(tf.slice(x, [0, time, 0], [BATCH, 1, 5]), [BATCH, 5]);
          const fromInput = tf.matMul(at as tf.Tensor2D, w['cell.input.weight'] as tf.Tensor2D);
          const fromState = tf.matMul(h as tf.Tensor2D, w['cell.recurrent.weight'] as tf.Tensor2D);
          const gates = tf.add(tf.add(fromInput, fromState), w['cell.bias0']!) as tf.Tensor2D;
          const [i, f, o, g] = tf.split(gates, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
          c = tf.add(tf.mul(c!, tf.sigmoid(f)), tf.mul(tf.tanh(g), tf.sigmoid(i)));
          h = tf.mul(tf.tanh(c), tf.sigmoid(o));
        }
        return linear(h!, w, 'out');
      },
    );
  });
});
