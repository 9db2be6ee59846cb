import { z } from 'zod';
import { DTYPES, type DType, ELEMENTWISE, type Op, PHASES, TENSOR_ROLES } from './trace.ts';

/** Longest length of a dimension; with at most 8 of them a size may still be too large, which checkTrace refuses. */
const whole = (least: number) =>
  z
    .number()
    .int()
    .min(least)
    .max(2 ** 40);
const pair = z.tuple([whole(1), whole(1)]);
const layout = z.strictObject({ transposed: z.boolean().optional(), heads: whole(1).optional() });
const axis = z.number().int().min(0).max(7);
const padding = z.tuple([whole(0), whole(0), whole(0), whole(0)]);
const base = {
  id: z.string(),
  name: z.string(),
  phase: z.enum(PHASES),
  inputs: z.array(whole(0)).min(1),
  outputs: z.array(whole(0)).min(1),
};

const SCHEMAS: Readonly<Record<Op['kind'], z.ZodType>> = {
  matmul: z.strictObject({
    ...base,
    kind: z.literal('matmul'),
    batch: whole(1),
    m: whole(1),
    n: whole(1),
    k: whole(1),
    left: layout.optional(),
    right: layout.optional(),
    result: layout.optional(),
  }),
  conv: z.strictObject({
    ...base,
    kind: z.literal('conv'),
    n: whole(1),
    c: whole(1),
    h: whole(1),
    w: whole(1),
    k: whole(1),
    r: whole(1),
    s: whole(1),
    p: whole(1),
    q: whole(1),
    stride: pair,
    padding,
    dilation: pair,
    groups: whole(1),
    transposed: z.boolean(),
  }),
  pool: z.strictObject({
    ...base,
    kind: z.literal('pool'),
    function: z.enum(['max', 'average']),
    window: pair,
    stride: pair,
    padding,
  }),
  norm: z.strictObject({
    ...base,
    kind: z.literal('norm'),
    function: z.enum(['batch', 'layer', 'instance', 'group', 'weight', 'local-response', 'online', 'batch-renorm']),
  }),
  softmax: z.strictObject({ ...base, kind: z.literal('softmax'), axisLength: whole(1) }),
  elementwise: z.strictObject({
    ...base,
    kind: z.literal('elementwise'),
    function: z.enum(ELEMENTWISE),
    factor: z.number().optional(),
  }),
  reduce: z.strictObject({
    ...base,
    kind: z.literal('reduce'),
    function: z.enum(['sum', 'mean', 'max', 'norm']),
    axes: z.array(axis),
  }),
  gather: z.strictObject({ ...base, kind: z.literal('gather'), rows: whole(1), width: whole(1), pooled: z.boolean() }),
  update: z.strictObject({
    ...base,
    kind: z.literal('update'),
    sparse: z.boolean(),
    delaySteps: whole(0).optional(),
    optimizer: z.enum(['gd', 'sgd', 'momentum', 'nesterov', 'sag', 'adagrad', 'rmsprop', 'adam', 'lars']),
  }),
  collective: z.strictObject({
    ...base,
    kind: z.literal('collective'),
    ranks: whole(1),
    peer: whole(0).optional(),
    function: z.enum([
      'broadcast',
      'reduce',
      'gather',
      'scatter',
      'all-gather',
      'reduce-scatter',
      'all-reduce',
      'all-to-all',
      'barrier',
      'send',
      'receive',
    ]),
  }),
  move: z.strictObject({
    ...base,
    kind: z.literal('move'),
    function: z.enum(['concat', 'split', 'transpose', 'reshape', 'pad', 'copy', 'upsample', 'triangle', 'delay']),
    axis: axis.optional(),
    start: whole(0).optional(),
    permutation: z.array(axis).optional(),
  }),
};

export const OP_SCHEMAS: ReadonlyMap<string, z.ZodType> = new Map(Object.entries(SCHEMAS));

export const TENSOR_SCHEMA = z.strictObject({
  name: z.string(),
  shape: z.array(whole(1)).max(8),
  dtype: z.enum(Object.keys(DTYPES) as [DType, ...DType[]]),
  role: z.enum(TENSOR_ROLES),
  density: z.number().min(0).max(1).optional(),
  pattern: z.strictObject({ n: whole(1), m: whole(2) }).optional(),
});

/** The frame of a trace file; tensors and ops are checked one by one. */
export const TRACE_SCHEMA = z.strictObject({
  schema: z.literal('accsim.trace/1'),
  workload: z.strictObject({
    name: z.string(),
    batch: whole(1),
    phase: z.enum(['inference', 'training']),
    precision: z.string(),
  }),
  tensors: z.array(z.unknown()),
  ops: z.array(z.unknown()).min(1),
});
