import { describe, expect, it } from 'vitest';
import type { TraceBuilder } from '../../../src/trace/builder.ts';
import type { TensorId, Trace } from '../../../src/trace/trace.ts';
import { gradientErrors } from './central-differences.ts';
import { recordedTrace, trainingTrace } from './network.ts';

/** Differences in double precision are good to about 1e-7 of the largest gradient; wrong gradients are off by far more. */
const TOLERANCE = 1e-6;

interface Case {
  readonly text: string;
  /** Samples; 2 where not given. */
  readonly batch?: number;
}

/** A feature map that depends on weights, made from an image, and what turns a result into classes. */
function image(layers: string, input = '[3, 6, 5]'): string {
  return `input: ${input}\nlayers:\n  - conv: { name: first, out: 4, kernel: 1 }\n${layers}`;
}

/** The same with a sequence [N, 3, 4]. */
function sequence(layers: string): string {
  return `input: [3, 5]\nlayers:\n  - linear: { name: first, out: 4 }\n${layers}`;
}

const CLASSES = '  - flatten: {}\n  - linear: { name: classes, out: 3 }\n';

const ACTIVATIONS = ['relu', 'relu6', 'sigmoid', 'tanh', 'gelu', 'silu', 'hardswish', 'leaky-relu', 'exp'];

const CASES: Readonly<Record<string, Case>> = {
  linear: { text: 'input: [5]\nlayers:\n  - linear: { out: 4 }\n  - linear: { out: 3 }\n', batch: 3 },
  'linear over a sequence': { text: sequence('  - linear: { name: classes, out: 3 }\n') },
  conv: { text: image(`  - conv: { out: 3, kernel: 3 }\n${CLASSES}`) },
  'strided, padded conv': {
    text: image(`  - conv: { out: 3, kernel: [3, 2], stride: 2, padding: [1, 0, 2, 1] }\n${CLASSES}`),
  },
  'dilated conv': { text: image(`  - conv: { out: 2, kernel: 2, dilation: [3, 2], padding: 1 }\n${CLASSES}`) },
  'grouped conv': { text: image(`  - conv: { out: 6, kernel: 3, groups: 2, padding: same }\n${CLASSES}`) },
  'depthwise conv': {
    text: image(`  - conv: { depthwise: true, multiplier: 2, kernel: 3, stride: 2, padding: 1 }\n${CLASSES}`),
  },
  deconv: { text: image(`  - deconv: { out: 3, kernel: 3, stride: 2, padding: 1 }\n${CLASSES}`, '[3, 3, 2]') },
  'deconv without stride': { text: image(`  - deconv: { out: 2, kernel: [2, 3] }\n${CLASSES}`, '[3, 3, 2]') },
  'classes of every pixel': { text: image('  - conv: { name: classes, out: 3, kernel: 3, padding: 1 }\n') },
  'max pool': { text: image(`  - pool: { window: 3, stride: 2, padding: 1 }\n${CLASSES}`) },
  'max pool, rounded up': { text: image(`  - pool: { window: 2, stride: 2, ceil: true }\n${CLASSES}`) },
  'average pool': { text: image(`  - pool: { function: average, window: [3, 2], stride: 2, padding: 1 }\n${CLASSES}`) },
  'global pool': { text: image('  - globalpool: {}\n  - linear: { name: classes, out: 3 }\n') },
  'global pool of one position': {
    text: image('  - globalpool: {}\n  - linear: { name: classes, out: 3 }\n', '[3, 1, 1]'),
  },
  'local response': { text: image(`  - norm: { function: local-response }\n${CLASSES}`) },
  'residual addition': {
    text: image(
      `  - conv: { name: second, out: 4, kernel: 3, padding: 1 }\n  - add: { from: [second, first, first] }\n${CLASSES}`,
    ),
  },
  'product of three': {
    text: image(
      `  - conv: { name: second, out: 4, kernel: 1, act: tanh }\n  - conv: { name: third, from: first, out: 4, kernel: 1 }\n  - mul: { from: [second, first, third] }\n${CLASSES}`,
    ),
  },
  'product with itself': { text: image(`  - mul: { from: [first, first] }\n${CLASSES}`) },
  'squeeze and excitation': {
    text: image(
      `  - globalpool: {}\n  - linear: { name: gate, out: 4, act: sigmoid }\n  - mul: { from: [first, gate] }\n${CLASSES}`,
    ),
  },
  'concatenated channels': {
    text: image(
      `  - conv: { name: second, out: 2, kernel: 1 }\n  - concat: { from: [second, first, second] }\n${CLASSES}`,
    ),
  },
  'concatenated sequences and batches': {
    text: sequence(
      '  - linear: { name: second, out: 4, act: tanh }\n  - concat: { name: long, from: [first, second], axis: sequence }\n  - concat: { from: [long, long], axis: batch }\n  - linear: { name: classes, out: 3 }\n',
    ),
  },
  'parts of a batch': {
    text: image(
      `  - part: { name: upper, parts: 2, index: 1 }\n  - conv: { name: second, out: 2, kernel: 3 }\n${CLASSES}`,
    ),
    batch: 4,
  },
  'upsample and crop': {
    text: image(`  - upsample: { scale: 2 }\n  - crop: { size: [5, 3] }\n${CLASSES}`, '[3, 4, 3]'),
  },
  tokens: { text: image('  - tokens: {}\n  - linear: { name: classes, out: 3 }\n') },
  'tokens and step': { text: image('  - tokens: {}\n  - step: {}\n  - linear: { name: classes, out: 3 }\n') },
  reshape: { text: image('  - reshape: { shape: [6, 20] }\n  - linear: { name: classes, out: 3 }\n') },
  'table of positions': { text: sequence('  - constant: { rows: 5 }\n  - linear: { name: classes, out: 3 }\n') },
  softmax: { text: sequence('  - softmax: {}\n  - linear: { name: classes, out: 3 }\n') },
  'softmax at the end': { text: sequence('  - linear: { name: classes, out: 3 }\n  - softmax: {}\n') },
  embedding: {
    text: 'inputs: { words: { shape: [5], dtype: int32 } }\nlayers:\n  - embedding: { rows: 4, width: 3 }\n  - linear: { out: 3 }\n',
  },
  'pooled embedding': {
    text: 'inputs: { words: { shape: [5], dtype: int32 } }\nlayers:\n  - embedding: { rows: 4, width: 3, pooled: true }\n  - linear: { out: 3 }\n',
  },
  'embedding shared with the output layer': {
    text: 'inputs: { words: { shape: [5], dtype: int32 } }\nlayers:\n  - embedding: { name: words0, rows: 4, width: 3 }\n  - linear: { out: 3, act: tanh }\n  - linear: { out: 4, share: words0, bias: false }\n',
  },
  interaction: {
    text: 'inputs: { dense: [5], words: { shape: [2], dtype: int32 } }\nlayers:\n  - linear: { name: bottom, from: dense, out: 3 }\n  - embedding: { name: table, from: words, rows: 4, width: 3 }\n  - interaction: { from: [bottom, table] }\n  - linear: { name: classes, out: 3 }\n',
  },
  'tables of a column each': {
    text: 'inputs: { words: { shape: [3], dtype: int32 } }\nlayers:\n  - embedding: { name: one, from: words, rows: 4, width: 3, count: 1, pooled: true }\n  - embedding: { name: two, from: words, rows: 4, width: 3, first: 1, count: 2, pooled: true }\n  - interaction: { from: [one, two] }\n  - linear: { name: classes, out: 3 }\n',
  },
  dropout: { text: sequence('  - dropout: { rate: 0.3 }\n  - linear: { name: classes, out: 3 }\n') },
  'one output': { text: 'input: [5]\nlayers:\n  - linear: { out: 4, act: tanh }\n  - linear: { out: 1 }\n', batch: 4 },
  'one probability': {
    text: 'input: [5]\nlayers:\n  - linear: { out: 4, act: tanh }\n  - linear: { out: 1, act: sigmoid }\n',
    batch: 4,
  },
  'weight normalisation of conv': {
    text: image(`  - conv: { out: 3, kernel: 2, norm: weight, act: tanh }\n${CLASSES}`),
  },
  'weight normalisation of grouped conv': {
    text: image(`  - conv: { out: 4, kernel: 2, groups: 2, norm: weight, act: tanh }\n${CLASSES}`),
  },
  'weight normalisation of deconv': {
    text: image(`  - deconv: { out: 3, kernel: 2, stride: 2, norm: weight, act: tanh }\n${CLASSES}`, '[3, 3, 2]'),
  },
  'weight normalisation of linear': {
    text: sequence(
      '  - linear: { out: 4, bias: false, norm: weight, act: tanh }\n  - linear: { name: classes, out: 3 }\n',
    ),
  },
  attention: { text: sequence('  - attention: { heads: 2 }\n  - linear: { name: classes, out: 3 }\n') },
  'masked attention': {
    text: sequence('  - attention: { heads: 2, mask: true }\n  - linear: { name: classes, out: 3 }\n'),
  },
  'attention over a memory': {
    text: 'inputs: { query: [2, 5], memory: [3, 4] }\nlayers:\n  - linear: { name: queries, from: query, out: 4 }\n  - linear: { name: memories, from: memory, out: 4 }\n  - attention: { from: [queries, memories], heads: 2, inner: 6 }\n  - linear: { name: classes, out: 3 }\n',
  },
  'additive attention': {
    text: 'inputs: { query: [2, 5], memory: [3, 4] }\nlayers:\n  - linear: { name: queries, from: query, out: 4 }\n  - linear: { name: memories, from: memory, out: 3 }\n  - additive-attention: { from: [queries, memories], hidden: 5 }\n  - linear: { name: classes, out: 3 }\n',
  },
  'two outputs': {
    text: 'input: [5]\nlayers:\n  - linear: { name: trunk, out: 4, act: tanh }\n  - linear: { name: one, out: 3 }\n  - linear: { name: other, from: trunk, out: 2 }\n',
  },
  ...Object.fromEntries(
    ACTIVATIONS.map((name) => [
      name,
      { text: `input: [5]\nlayers:\n  - linear: { out: 4, act: ${name} }\n  - linear: { out: 3 }\n`, batch: 3 },
    ]),
  ),
  ...Object.fromEntries(
    ['batch', 'layer', 'instance', 'group'].map((name) => [
      `${name} normalisation`,
      { text: image(`  - norm: { function: ${name}, act: tanh }\n${CLASSES}`, '[3, 3, 2]') },
    ]),
  ),
  ...Object.fromEntries(
    ['batch', 'layer', 'group'].map((name) => [
      `${name} normalisation of a sequence`,
      { text: sequence(`  - norm: { function: ${name}, act: tanh }\n  - linear: { name: classes, out: 3 }\n`) },
    ]),
  ),
  ...Object.fromEntries(
    [
      'rnn: { hidden: 3',
      'rnn: { hidden: 3, product: joined',
      'lstm: { hidden: 3',
      'lstm: { hidden: 3, product: joined',
      'gru: { hidden: 3, biases: 2',
      'lstm: { hidden: 2, bidirectional: true',
      'gru: { hidden: 2, bidirectional: true, sum: true',
    ].map((layer) => [`${layer} }`, { text: sequence(`  - ${layer} }\n  - linear: { name: classes, out: 3 }\n`) }]),
  ),
};

function expectSmallErrors(trace: Trace): void {
  for (const [name, error] of gradientErrors(trace, 7)) expect(error, name).toBeLessThan(TOLERANCE);
}

describe('gradients of networks equal central differences in double precision', () => {
  it.each(Object.entries(CASES))('%s', (_, { text, batch = 2 }) => expectSmallErrors(trainingTrace(text, batch)));
});

/** What is easier to record op by op, on hidden values [3, 4]. */
const RECORDED: Readonly<Record<string, (builder: TraceBuilder, hidden: TensorId) => TensorId>> = {
  dropout: (builder, hidden) =>
    builder.op({ kind: 'elementwise', function: 'dropout', name: 'dropout', inputs: [hidden], factor: 0.7 }, [3, 4]),
  cast: (builder, hidden) =>
    builder.op({ kind: 'elementwise', function: 'cast', name: 'cast', inputs: [hidden] }, [3, 4]),
  'subtraction with a repeated operand': (builder, hidden) => {
    const mean = builder.op({ kind: 'reduce', function: 'mean', name: 'mean', inputs: [hidden], axes: [0] }, [4]);
    return builder.op({ kind: 'elementwise', function: 'sub', name: 'sub', inputs: [hidden, mean] }, [3, 4]);
  },
  'sum and repetition': (builder, hidden) => {
    const sum = builder.op({ kind: 'reduce', function: 'sum', name: 'sum', inputs: [hidden], axes: [1] }, [3, 1]);
    return builder.op({ kind: 'elementwise', function: 'mul', name: 'mul', inputs: [hidden, sum] }, [3, 4]);
  },
  'parts of unequal length, one unused': (builder, hidden) => {
    const [, middle] = builder.split('split', hidden, 1, [
      [3, 1],
      [3, 2],
      [3, 1],
    ]);
    return builder.op(
      { kind: 'move', function: 'concat', name: 'concat', inputs: [middle!, middle!], axis: 1 },
      [3, 4],
    );
  },
  'a product whose result lies transposed': (builder, hidden) => {
    const weight = builder.weight('square', [4, 4]);
    const layouts = { result: { transposed: true }, left: { transposed: true } };
    const sizes = { batch: 1, m: 3, n: 4, k: 4 };
    const turned = builder.op(
      { kind: 'move', function: 'transpose', name: 'turn', inputs: [hidden], permutation: [1, 0] },
      [4, 3],
    );
    const product = builder.op(
      { kind: 'matmul', name: 'product', inputs: [turned, weight], ...sizes, ...layouts },
      [4, 3],
    );
    return builder.op(
      { kind: 'move', function: 'transpose', name: 'back', inputs: [product], permutation: [1, 0] },
      [3, 4],
    );
  },
};

describe('gradients of single ops equal central differences', () => {
  it.each(Object.entries(RECORDED))('%s', (_, record) => expectSmallErrors(recordedTrace(record)));
});
