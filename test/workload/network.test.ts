import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { parameters, totalMacs } from '../../src/trace/facts.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { buildTrace } from '../../src/workload/build.ts';
import { parseNetwork } from '../../src/workload/network.ts';
import { parsePrecision } from '../../src/workload/precision.ts';
import { parseYaml } from '../../src/yaml.ts';

function build(text: string, batch = 1): Trace {
  const network = parseNetwork(parseYaml(text, 'net.yaml'), 'net.yaml');
  return buildTrace(network, { batch, precision: parsePrecision('int8'), precisionText: 'int8' });
}

/** A network of the given layers on one input. */
function layers(input: string, list: string, batch = 1): Trace {
  return build(
    `name: net\ninput: ${input}\nlayers:\n${list
      .split('\n')
      .map((line) => `  - ${line}`)
      .join('\n')}\n`,
    batch,
  );
}

function problems(run: () => unknown): { where: string; found: string; remedy: string }[] {
  try {
    run();
  } catch (error) {
    if (error instanceof InputError) return [...error.problems];
    throw error;
  }
  throw new Error('no InputError was thrown');
}

const shapes = (trace: Trace): string[] =>
  trace.ops.map(
    (op) => `${op.kind}${'function' in op ? `.${op.function}` : ''} ${trace.tensors[op.outputs[0]!]!.shape.join('x')}`,
  );

describe('layers become ops', () => {
  it('convolution, normalisation and activation are ops of their own; a normalised layer has no bias', () => {
    const trace = layers('[3, 8, 8]', 'conv: { out: 4, kernel: 3, padding: 1, norm: batch, act: relu }', 2);
    expect(shapes(trace)).toEqual(['conv 2x4x8x8', 'norm.batch 2x4x8x8', 'elementwise.relu 2x4x8x8']);
    // 4 x 3 x 3 x 3 weights, 4 scales and 4 shifts; running statistics are no parameters.
    expect(parameters(trace)).toBe(108 + 8);
    expect(shapes(layers('[3, 8, 8]', 'conv: { out: 4, kernel: 3 }'))).toEqual([
      'conv 1x4x6x6',
      'elementwise.bias 1x4x6x6',
    ]);
    expect(shapes(layers('[3, 8, 8]', 'conv: { out: 4, kernel: 3, bias: false }'))).toEqual(['conv 1x4x6x6']);
  });

  it('groups, depthwise, dilation and asymmetric padding', () => {
    expect(layers('[4, 9, 9]', 'conv: { out: 6, kernel: 3, groups: 2, bias: false }').tensors[1]!.shape).toEqual([
      6, 2, 3, 3,
    ]);
    const depthwise = layers('[4, 9, 9]', 'conv: { depthwise: true, multiplier: 2, kernel: 3, bias: false }');
    expect(depthwise.tensors[1]!.shape).toEqual([8, 1, 3, 3]);
    expect(totalMacs(depthwise)).toBe(8 * 7 * 7 * 9);
    // A 3x3 filter dilated by 2 covers 5 positions: 9 - 5 + 1 = 5.
    expect(shapes(layers('[1, 9, 9]', 'conv: { out: 1, kernel: 3, dilation: 2, bias: false }'))).toEqual([
      'conv 1x1x5x5',
    ]);
    // top 0, left 1, bottom 2, right 3: 9 + 2 - 3 + 1 = 9 rows, 9 + 4 - 3 + 1 = 11 columns.
    expect(shapes(layers('[1, 9, 9]', 'conv: { out: 1, kernel: 3, padding: [0, 1, 2, 3], bias: false }'))).toEqual([
      'conv 1x1x9x11',
    ]);
  });

  it('same padding puts the odd one at the end', () => {
    // 8 positions, stride 2, 3x3: 4 outputs need (4 - 1) 2 + 3 - 8 = 1 more position.
    const [op] = layers('[1, 8, 8]', 'conv: { out: 1, kernel: 3, stride: 2, padding: same, bias: false }').ops;
    expect(op).toMatchObject({ p: 4, q: 4, padding: [0, 0, 1, 1] });
  });

  it('a transposed convolution doubles a map and counts its input positions', () => {
    const trace = layers('[6, 5, 5]', 'deconv: { out: 3, kernel: 2, stride: 2, bias: false }');
    expect(trace.ops[0]).toMatchObject({ transposed: true, p: 10, q: 10 });
    expect(totalMacs(trace)).toBe(5 * 5 * 6 * 3 * 4);
    expect(trace.tensors[1]!.shape).toEqual([3, 6, 2, 2]);
  });

  it('pooling rounds down, or up if told, but no window starts in the padding behind', () => {
    expect(shapes(layers('[1, 8, 8]', 'pool: { window: 3, stride: 2 }'))).toEqual(['pool.max 1x1x3x3']);
    expect(shapes(layers('[1, 8, 8]', 'pool: { window: 3, stride: 2, ceil: true }'))).toEqual(['pool.max 1x1x4x4']);
    expect(shapes(layers('[1, 3, 3]', 'pool: { window: 1, stride: 3, ceil: true, function: average }'))).toEqual([
      'pool.average 1x1x1x1',
    ]);
  });

  it('upsampling, cropping, flattening, global pooling', () => {
    expect(shapes(layers('[2, 3, 3]', 'upsample: { scale: 2 }\ncrop: { size: [4, 5] }\nflatten: {}'))).toEqual([
      'move.upsample 1x2x6x6',
      'move.split 1x2x4x6',
      'move.split 1x2x4x5',
      'move.reshape 1x40',
    ]);
    expect(shapes(layers('[2, 3, 3]', 'globalpool: {}'))).toEqual(['reduce.mean 1x2']);
  });

  it('attention is products of batch x heads, scale, softmax', () => {
    const trace = layers('[5, 8]', 'attention: { heads: 2, mask: true }', 3);
    const products = trace.ops.filter((op) => op.kind === 'matmul').map((op) => [op.batch, op.m, op.n, op.k]);
    expect(products).toEqual([
      [1, 15, 8, 8],
      [1, 15, 8, 8],
      [1, 15, 8, 8],
      [6, 5, 5, 4],
      [6, 5, 4, 5],
      [1, 15, 8, 8],
    ]);
    expect(trace.ops.filter((op) => op.kind === 'softmax')).toMatchObject([{ axisLength: 5 }]);
    expect(shapes(trace)).toEqual(expect.arrayContaining(['elementwise.scale 3x2x5x5', 'elementwise.mask 3x2x5x5']));
    expect(parameters(trace)).toBe(4 * (64 + 8));
  });

  it('recurrent layers share their weights over the steps, projected ahead or joined', () => {
    const ahead = layers('[5, 6]', 'lstm: { hidden: 3 }', 2);
    expect(ahead.ops.filter((op) => op.kind === 'matmul').map((op) => [op.m, op.n, op.k])).toEqual([
      [10, 12, 6],
      ...Array.from({ length: 5 }, () => [2, 12, 3]),
    ]);
    const joined = layers('[5, 6]', 'lstm: { hidden: 3, product: joined }', 2);
    expect(joined.ops.filter((op) => op.kind === 'matmul').map((op) => [op.m, op.n, op.k])).toEqual(
      Array.from({ length: 5 }, () => [2, 12, 9]),
    );
    for (const trace of [ahead, joined]) {
      expect(parameters(trace)).toBe(4 * 3 * (6 + 3 + 1));
      expect(totalMacs(trace)).toBe(2 * 5 * 12 * 9);
    }
    expect(shapes(layers('[5, 6]', 'gru: { hidden: 3, bidirectional: true }')).at(-1)).toBe('move.concat 1x5x6');
    expect(shapes(layers('[5, 6]', 'rnn: { hidden: 3, bidirectional: true, sum: true }')).at(-1)).toBe(
      'elementwise.add 1x5x3',
    );
  });

  it('the elementwise work of one LSTM step and of one GRU step', () => {
    const count = (trace: Trace, name: string): number =>
      trace.ops.filter((op) => op.kind === 'elementwise' && op.function === name).length;
    const lstm = layers('[1, 4]', 'lstm: { hidden: 4, biases: 0 }');
    expect([count(lstm, 'sigmoid'), count(lstm, 'tanh'), count(lstm, 'mul'), count(lstm, 'add')]).toEqual([1, 2, 3, 2]);
    const gru = layers('[1, 4]', 'gru: { hidden: 4, biases: 0 }');
    expect([
      count(gru, 'sigmoid'),
      count(gru, 'tanh'),
      count(gru, 'mul'),
      count(gru, 'add'),
      count(gru, 'sub'),
    ]).toEqual([1, 1, 2, 3, 1]);
  });

  it('embeddings, pooled or not, and a table used again as output layer', () => {
    const trace = layers(
      '[4]',
      'embedding: { name: words, rows: 10, width: 6 }\nlinear: { out: 10, bias: false, share: words }',
      2,
    );
    expect(trace.ops[0]).toMatchObject({ kind: 'gather', rows: 8, width: 6, pooled: false });
    expect(parameters(trace)).toBe(60);
    expect(shapes(layers('[4]', 'embedding: { rows: 10, width: 6, pooled: true }', 2))).toEqual(['gather 2x6']);
  });

  it('what nobody reads is an output; inputs and weights are not', () => {
    const trace = layers(
      '[4]',
      'linear: { name: a, out: 3, bias: false }\nlinear: { name: b, from: input, out: 2, bias: false }',
    );
    expect(trace.tensors.map((tensor) => `${tensor.name} ${tensor.role}`)).toEqual([
      'input input',
      'a.weight weight',
      'a output',
      'b.weight weight',
      'b output',
    ]);
  });

  it('a layer or a block may have a precision of its own', () => {
    const trace = build(`name: net
input: [4]
blocks:
  wide: { layers: [linear: { name: fc, out: 4, bias: false }] }
layers:
  - wide: { name: a, precision: int8/int16 }
  - linear: { name: b, out: 4, bias: false, precision: fp32 }
  - linear: { name: c, out: 4, bias: false }
`);
    expect(trace.tensors.map((tensor) => `${tensor.name} ${tensor.dtype}`)).toEqual([
      'input int8',
      'a/fc.weight int8',
      'a/fc int16',
      'b.weight fp32',
      'b fp32',
      'c.weight int8',
      'c int8',
    ]);
  });
});

describe('blocks', () => {
  it('are written out with parameters, expressions, conditions and repetitions', () => {
    const trace = build(`name: net
input: [8]
blocks:
  stage:
    parameters: { width: required, extra: 0 }
    layers:
      - linear: { name: fc, out: =2*(width+index), bias: false }
      - act: { when: =extra, name: act, function: relu }
layers:
  - stage: { name: first, width: 3, extra: 1 }
  - stage: { name: then, width: 5, repeat: 3 }
  - linear: { name: last, from: first, out: 1, bias: false }
`);
    expect(trace.ops.map((op) => `${op.name} ${trace.tensors[op.outputs[0]!]!.shape[1]}`)).toEqual([
      'first/fc 6',
      'first/act 6',
      'then.0/fc 10',
      'then.1/fc 12',
      'then.2/fc 14',
      'last 1',
    ]);
    expect(trace.ops.at(-1)).toMatchObject({ k: 6 });
  });

  it('may be repeated zero times and nested', () => {
    const trace = build(`name: net
input: [8]
blocks:
  inner: { parameters: { n: 1 }, layers: [linear: { out: =n, bias: false }] }
  outer: { parameters: { n: 1, times: 0 }, layers: [inner: { n: =n }, inner: { name: more, n: =n+1, repeat: =times }] }
layers: [outer: { n: 4 }, outer: { n: 6, times: 1 }]
`);
    expect(trace.ops.map((op) => (op.kind === 'matmul' ? op.n : 0))).toEqual([4, 6, 7]);
  });

  it('that contain themselves, repeat without end or multiply are refused quickly', () => {
    const self = 'name: n\ninput: [8]\nblocks: { a: { layers: [a: {}, a: {}, a: {}] } }\nlayers: [a: {}]\n';
    expect(problems(() => build(self)).some((problem) => /nested too deep/.test(problem.found))).toBe(true);
    const many = `name: n\ninput: [8]\nblocks:\n${['a', 'b', 'c', 'd'].map((name, index) => `  ${name}: { layers: [${index === 0 ? 'act' : 'abcd'[index - 1]}: { repeat: 9999 }] }\n`).join('')}layers: [d: { repeat: 9999 }]\n`;
    expect(problems(() => build(many.replace('act: { repeat: 9999 }', 'act: {}')))[0]!.found).toBe(
      'more than 50000 layers',
    );
    expect(
      problems(() =>
        build(
          self.replace('[a: {}, a: {}, a: {}]', '[act: {}]').replace('layers: [a: {}]', 'layers: [a: { repeat: 1e9 }]'),
        ),
      )[0]!.found,
    ).toBe('1000000000');
  });
});

describe('faults of network files', () => {
  const net =
    (list: string, rest = ''): (() => unknown) =>
    () =>
      build(`name: net\ninput: [3, 8, 8]\n${rest}layers:\n${list}`);

  it('a duplicate key is refused with its line', () => {
    expect(problems(net('  - act: {}\n', 'batch: 1\nbatch: 2\n'))[0]).toMatchObject({ where: 'net.yaml:4:1' });
  });

  it('unknown fields, layer types, parameters and references get the nearest name, all at once', () => {
    expect(
      problems(() => build('nam: x\ninput: [1]\nlayer: []\n')).map((problem) => `${problem.found}: ${problem.remedy}`),
    ).toEqual([
      'missing: name the network',
      'missing: give a list of layers',
      'unknown field nam: did you mean name?',
      'unknown field layer: did you mean layers?',
    ]);
    expect(problems(net('  - cnv: { out: 3 }\n  - softmx: {}\n')).map((problem) => problem.remedy)).toEqual([
      'did you mean conv?',
      'did you mean softmax?',
    ]);
    expect(
      problems(net('  - conv: { name: a, out: 3, kernal: 3 }\n  - act: { functon: relu }\n')).map(
        (problem) => problem.remedy,
      ),
    ).toEqual(['did you mean kernel?', 'did you mean function?']);
    expect(problems(net('  - conv: { name: first, out: 3 }\n  - act: { from: frist }\n'))[0]).toMatchObject({
      found: 'frist is no layer before this one',
      remedy: 'did you mean first?',
    });
  });

  it.each([
    ['a missing parameter', '  - conv: { kernel: 3 }\n', 'missing'],
    ['a negative size', '  - conv: { out: -1 }\n', '-1'],
    ['an absurd size', '  - conv: { out: 99999999999 }\n', '99999999999'],
    ['a fraction', '  - conv: { out: 1.5 }\n', '1.5'],
    ['a window larger than its map', '  - conv: { out: 1, kernel: 9 }\n', 'its result would be 0 x 0'],
    ['groups that do not divide', '  - conv: { out: 4, groups: 2 }\n', '2 groups for 3 input and 4 output channels'],
    ['a name used twice', '  - act: { name: a }\n  - act: { name: a }\n', 'a is taken'],
    ['a layer that is a list', '  - [conv]\n', '["conv"]'],
    ['two types in one entry', '  - { conv: {}, act: {} }\n', '{"conv":{},"act":{}}'],
    ['a bad expression', '  - conv: { out: =3+ }\n', '=3+: ends too soon'],
    ['an unknown name in an expression', '  - conv: { out: =width }\n', '=width: width is not known'],
    ['an endless expression', `  - conv: { out: "=${'('.repeat(5000)}" }\n`, 'an expression of 5000 characters'],
    ['division by zero', '  - conv: { out: =1/0 }\n', 'null'],
    ['an unknown precision', '  - conv: { out: 1, precision: int7 }\n', 'int7'],
    [
      'shapes that do not add',
      '  - conv: { name: a, out: 4 }\n  - add: { from: [a, input] }\n',
      'operands [1, 4, 8, 8] and [1, 3, 8, 8]',
    ],
    [
      'heads that do not divide',
      '  - reshape: { shape: [24, 8] }\n  - attention: { heads: 3 }\n',
      '3 heads over a width of 8',
    ],
  ])('%s', (_what, list, found) => {
    expect(problems(net(list))[0]!.found).toBe(found);
  });

  it.each([
    ['no map', '- 1\n'],
    ['nothing', ''],
    ['no input', 'name: a\nlayers: [act: {}]\n'],
    ['no layers', 'name: a\ninput: [1]\nlayers: []\n'],
    ['a shape of text', 'name: a\ninput: [x]\nlayers: [act: {}]\n'],
    ['an absurd dimension', 'name: a\ninput: [1e12]\nlayers: [act: {}]\n'],
    ['a batch of zero', 'name: a\nbatch: 0\ninput: [1]\nlayers: [act: {}]\n'],
    ['an unknown dtype', 'name: a\ninputs: { x: { shape: [1], dtype: int5 } }\nlayers: [act: {}]\n'],
  ])('%s', (_what, text) => {
    expect(problems(() => build(text)).length).toBeGreaterThan(0);
  });

  it('a network of more ops than allowed ends in an error, not in a hang', () => {
    const text = 'name: n\ninput: [60000, 1]\nlayers: [lstm: { hidden: 1 }]\n';
    expect(problems(() => build(text))[0]!.found).toBe('the trace has more than 200000 ops');
  });
});
