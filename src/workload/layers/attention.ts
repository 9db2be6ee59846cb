import { InputError } from '../../errors.ts';
import { elements } from '../../trace/facts.ts';
import type { TensorId } from '../../trace/trace.ts';
import type { TraceBuilder } from '../../trace/builder.ts';
import type { Parameters } from '../parameters.ts';

type Sequence = readonly [n: number, length: number, width: number];

function sequence(builder: TraceBuilder, parameters: Parameters, id: TensorId): Sequence {
  const shape = builder.shape(id);
  if (shape.length !== 3)
    throw InputError.of(
      `${parameters.layer.where}.${parameters.layer.type}`,
      `an operand has shape [${shape.join(', ')}]`,
      'give it sequences [N, T, width]',
    );
  return shape as unknown as Sequence;
}

function project(builder: TraceBuilder, name: string, input: TensorId, out: number, bias: boolean): TensorId {
  const shape = builder.shape(input);
  const k = shape[shape.length - 1]!;
  const weight = builder.weight(`${name}.weight`, [k, out]);
  const result = builder.op(
    { kind: 'matmul', name, inputs: [input, weight], batch: 1, m: elements(shape) / k, n: out, k },
    [...shape.slice(0, -1), out],
  );
  if (!bias) return result;
  const term = builder.weight(`${name}.bias`, [out]);
  return builder.op(
    { kind: 'elementwise', function: 'bias', name: `${name}.bias`, inputs: [result, term] },
    builder.shape(result),
  );
}

/**
 * Multi-head attention (Vaswani 2017): projections of queries (first operand) and of keys and values (second operand, or
 * the first), scaled dot products, softmax, weighted sum, output projection. Operands and result are [N, T, width].
 */
export function attention(builder: TraceBuilder, parameters: Parameters, inputs: readonly TensorId[]): TensorId {
  const { name, where } = parameters.layer;
  const query = inputs[0]!;
  const memory = inputs[1] ?? query;
  const [n, t, width] = sequence(builder, parameters, query);
  const [, source] = sequence(builder, parameters, memory);
  const heads = parameters.integer('heads');
  const inner = parameters.integer('inner', width);
  if (inner % heads !== 0)
    throw InputError.of(
      `${where}.attention.heads`,
      `${heads} heads over a width of ${inner}`,
      'use a divisor of the width',
    );
  const head = inner / heads;
  const bias = parameters.flag('bias', true);
  const masked = parameters.flag('mask', false);
  const [q, k, v] = [
    project(builder, `${name}.query`, query, inner, bias),
    project(builder, `${name}.key`, memory, inner, bias),
    project(builder, `${name}.value`, memory, inner, bias),
  ];
  const shape = [n, heads, t, source];
  const scores = builder.op(
    {
      kind: 'matmul',
      name: `${name}.scores`,
      inputs: [q, k],
      batch: n * heads,
      m: t,
      n: source,
      k: head,
      left: { heads },
      right: { heads, transposed: true },
    },
    shape,
  );
  const scaled = builder.op(
    { kind: 'elementwise', function: 'scale', name: `${name}.scale`, inputs: [scores], factor: 1 / Math.sqrt(head) },
    shape,
  );
  const seen = masked
    ? builder.op({ kind: 'elementwise', function: 'mask', name: `${name}.mask`, inputs: [scaled] }, shape)
    : scaled;
  const weights = builder.op({ kind: 'softmax', name: `${name}.softmax`, inputs: [seen], axisLength: source }, shape);
  const mixed = builder.op(
    {
      kind: 'matmul',
      name: `${name}.context`,
      inputs: [weights, v],
      batch: n * heads,
      m: t,
      n: head,
      k: source,
      right: { heads },
      result: { heads },
    },
    [n, t, inner],
  );
  return project(builder, `${name}.output`, mixed, width, bias);
}

/**
 * Additive attention (Bahdanau 2015) of queries over a memory: score = v . tanh(query W + memory U + bias). Operands
 * [N, T, width] and [N, S, width]; the result is the context [N, T, memory width].
 */
export function additiveAttention(
  builder: TraceBuilder,
  parameters: Parameters,
  inputs: readonly TensorId[],
): TensorId {
  const { name, where } = parameters.layer;
  const [query, memory] = inputs;
  if (query === undefined || memory === undefined)
    throw InputError.of(`${where}.additive-attention.from`, 'one operand', 'give queries and memory');
  const [n, t] = sequence(builder, parameters, query);
  const [, source, width] = sequence(builder, parameters, memory);
  const hidden = parameters.integer('hidden', width);
  const q = project(builder, `${name}.query`, query, hidden, false);
  const k = project(builder, `${name}.key`, memory, hidden, true);
  const pairs = [n, t, source, hidden];
  const operands = [
    builder.reshape(`${name}.queries`, q, [n, t, 1, hidden]),
    builder.reshape(`${name}.keys`, k, [n, 1, source, hidden]),
  ];
  const sum = builder.op({ kind: 'elementwise', function: 'add', name: `${name}.sum`, inputs: operands }, pairs);
  const squashed = builder.op({ kind: 'elementwise', function: 'tanh', name: `${name}.tanh`, inputs: [sum] }, pairs);
  const vector = builder.weight(`${name}.score.weight`, [hidden, 1]);
  const scores = builder.op(
    { kind: 'matmul', name: `${name}.score`, inputs: [squashed, vector], batch: 1, m: n * t * source, n: 1, k: hidden },
    [n, t, source],
  );
  const weights = builder.op({ kind: 'softmax', name: `${name}.softmax`, inputs: [scores], axisLength: source }, [
    n,
    t,
    source,
  ]);
  return builder.op(
    { kind: 'matmul', name: `${name}.context`, inputs: [weights, memory], batch: n, m: t, n: width, k: source },
    [n, t, width],
  );
}
