import { InputError } from '../../errors.ts';
import { elements } from '../../trace/facts.ts';
import type { TensorId } from '../../trace/trace.ts';
import type { TraceBuilder } from '../../trace/builder.ts';
import type { Parameters } from '../parameters.ts';
import { bias } from './convolution.ts';

function last(shape: readonly number[]): number {
  return shape[shape.length - 1]!;
}

/** [..., in] x [in, out]; leading lengths are rows of one product. */
export function linear(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const { name } = parameters.layer;
  const shape = builder.shape(input);
  const k = last(shape);
  const n = parameters.integer('out');
  const weight = builder.weight(`${parameters.weightName()}.weight`, [k, n]);
  // An embedding's table, shared as output layer, is [n, k].
  const right = builder.shape(weight)[0] === k ? {} : { right: { transposed: true } };
  const sizes = { batch: 1, m: elements(shape) / k, n, k };
  const result = builder.op({ kind: 'matmul', name, inputs: [input, weight], ...sizes, ...right }, [
    ...shape.slice(0, -1),
    n,
  ]);
  return bias(builder, parameters, result, n, true);
}

export function softmax(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const shape = builder.shape(input);
  return builder.op({ kind: 'softmax', name: parameters.layer.name, inputs: [input], axisLength: last(shape) }, shape);
}

/**
 * Rows of a table picked by `count` indices a sample from the one at `first` on (all of the operand's): [N, count, width], or their
 * sum [N, width].
 */
export function embedding(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const { name } = parameters.layer;
  const rows = parameters.integer('rows');
  const width = parameters.integer('width');
  const given = elements(builder.shape(input).slice(1));
  const first = parameters.integer('first', 0, 0);
  const count = parameters.integer('count', Math.max(1, given - first));
  if (first + count > given)
    throw InputError.of(
      `${parameters.layer.where}.embedding.count`,
      `${count} from ${first} on, of ${given} indices a sample`,
      'read indices that there are',
    );
  const pooled = parameters.flag('pooled', false);
  const table = builder.weight(`${parameters.weightName()}.weight`, [rows, width]);
  const n = builder.batch;
  const indices = count === given ? input : cutIndices(builder, name, input, first, count);
  return builder.op(
    { kind: 'gather', name, inputs: [table, indices], rows: n * count, width, pooled },
    pooled ? [n, width] : [n, count, width],
  );
}

/** Some of the indices of each sample, in the format they have. */
function cutIndices(builder: TraceBuilder, name: string, input: TensorId, first: number, count: number): TensorId {
  const { shape, dtype } = builder.tensors[input]!;
  const cut = builder.tensor(`${name}.indices`, [shape[0]!, count], 'activation', dtype);
  const fields = { kind: 'move', function: 'split', name: `${name}.indices`, axis: 1, start: first } as const;
  return builder.push({ ...fields, inputs: [input] }, [cut])[0]!;
}

/** Pairwise dot products of `parts` feature vectors of one width, beside the first of them (DLRM). */
export function interaction(builder: TraceBuilder, parameters: Parameters, inputs: readonly TensorId[]): TensorId {
  const { name, where } = parameters.layer;
  const n = builder.batch;
  const width = last(builder.shape(inputs[0]!));
  const parts = inputs.reduce((sum, id) => sum + elements(builder.shape(id)) / (n * width), 0);
  if (!Number.isInteger(parts))
    throw InputError.of(`${where}.interaction`, 'operands of different widths', 'give vectors of one width');
  const stacked = builder.op(
    { kind: 'move', function: 'concat', name: `${name}.stack`, inputs: [...inputs], axis: 1 },
    [n, parts, width],
  );
  const products = builder.op(
    {
      kind: 'matmul',
      name,
      inputs: [stacked, stacked],
      batch: n,
      m: parts,
      n: parts,
      k: width,
      right: { transposed: true },
    },
    [n, parts, parts],
  );
  const pairs = builder.op({ kind: 'move', function: 'triangle', name: `${name}.pairs`, inputs: [products] }, [
    n,
    (parts * (parts - 1)) / 2,
  ]);
  return builder.op(
    { kind: 'move', function: 'concat', name: `${name}.concat`, inputs: [inputs[0]!, pairs], axis: 1 },
    [n, width + (parts * (parts - 1)) / 2],
  );
}
