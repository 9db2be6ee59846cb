import { InputError } from '../../errors.ts';
import { elements } from '../../trace/facts.ts';
import type { ElementwiseOp, NormOp, TensorId } from '../../trace/trace.ts';
import type { TraceBuilder } from '../../trace/builder.ts';
import type { Parameters } from '../parameters.ts';

const NORMS = ['batch', 'layer', 'instance', 'group', 'weight', 'local-response', 'online', 'batch-renorm'] as const;

/** Functions of one operand that a network may apply. */
const ACTIVATIONS = ['relu', 'relu6', 'sigmoid', 'tanh', 'gelu', 'silu', 'hardswish', 'leaky-relu', 'exp'] as const;

/** What normalisations keep for tests, a channel each: Ioffe 2017 averages standard deviations, the others variances. */
const STATISTICS: Readonly<Record<string, readonly string[]>> = {
  batch: ['mean', 'variance'],
  'batch-renorm': ['mean', 'deviation'],
  online: ['mean', 'variance'],
};

/** Weights of the product that made a tensor; weight normalisation divides by their norms. */
function weightsBehind(builder: TraceBuilder, name: string, input: TensorId): TensorId {
  const op = builder.ops.find(({ outputs }) => outputs.includes(input));
  const weight = op?.kind === 'matmul' || op?.kind === 'conv' ? op.inputs[1]! : null;
  if (weight === null || builder.tensors[weight]!.role !== 'weight')
    throw InputError.of(
      name,
      `weight normalisation of ${op === undefined ? 'an input' : `the result of ${op.name} (${op.kind})`}`,
      'put it right after a conv, deconv or linear layer without bias',
    );
  return weight;
}

/** Normalisation with a trained scale and shift per channel (none for local response normalisation). */
export function norm(builder: TraceBuilder, name: string, kind: NormOp['function'], input: TensorId): TensorId {
  const shape = builder.shape(input);
  const channels = shape.length === 4 ? shape[1]! : shape[shape.length - 1]!;
  const weights =
    kind === 'local-response'
      ? []
      : [builder.weight(`${name}.scale`, [channels]), builder.weight(`${name}.shift`, [channels])];
  // Averages that grow by small shares are kept in fp32 whatever the precision, like master copies of weights.
  const statistics = (STATISTICS[kind] ?? []).map((label) =>
    builder.tensor(`${name}.${label}`, [channels], 'state', 'fp32'),
  );
  const layer = kind === 'weight' ? [weightsBehind(builder, name, input)] : [];
  return builder.op(
    { kind: 'norm', function: kind, name, inputs: [input, ...weights, ...layer, ...statistics] },
    shape,
  );
}

export function normLayer(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  return norm(builder, parameters.layer.name, parameters.choice('function', NORMS, 'batch'), input);
}

/** `norm:` and `act:` that any layer may carry: they follow it as ops of their own. */
export function followers(builder: TraceBuilder, parameters: Parameters, result: TensorId): TensorId {
  const { layer } = parameters;
  let id = result;
  if (layer.parameters['norm'] !== undefined)
    id = norm(builder, `${layer.name}.norm`, parameters.choice('norm', NORMS), id);
  if (layer.parameters['act'] !== undefined)
    id = activation(builder, `${layer.name}.act`, parameters.choice('act', ACTIVATIONS), id);
  return id;
}

export function activation(
  builder: TraceBuilder,
  name: string,
  fn: ElementwiseOp['function'],
  input: TensorId,
): TensorId {
  return builder.op({ kind: 'elementwise', function: fn, name, inputs: [input] }, builder.shape(input));
}

export function act(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  return activation(builder, parameters.layer.name, parameters.choice('function', ACTIVATIONS, 'relu'), input);
}

/** Elementwise over operands of one shape, or with one value per channel as second operand (squeeze and excitation). */
export function combine(
  builder: TraceBuilder,
  parameters: Parameters,
  inputs: readonly TensorId[],
  fn: 'add' | 'mul',
): TensorId {
  const { name, where, type } = parameters.layer;
  const shape = builder.shape(inputs[0]!);
  const operands = inputs.map((id) => {
    const other = builder.shape(id);
    const scales = fn === 'mul' && shape.length === 4 && other.length === 2 && other[1] === shape[1];
    if (other.join() !== shape.join() && !scales)
      throw InputError.of(
        `${where}.${type}`,
        `operands [${shape.join(', ')}] and [${other.join(', ')}]`,
        'give operands of one shape',
      );
    return scales ? builder.reshape(`${name}.channels`, id, [...other, 1, 1]) : id;
  });
  return builder.op({ kind: 'elementwise', function: fn, name, inputs: operands }, shape);
}

/** Channels (axis 1), features (last axis) or sequence (axis 1 of [N, T, width]) side by side; `axis: batch` undoes `part`. */
export function concat(builder: TraceBuilder, parameters: Parameters, inputs: readonly TensorId[]): TensorId {
  const shape = [...builder.shape(inputs[0]!)];
  const axis = parameters.choice('axis', ['channels', 'sequence', 'batch'], 'channels');
  const index = axis === 'batch' ? 0 : axis === 'sequence' || shape.length === 4 ? 1 : shape.length - 1;
  for (const id of inputs.slice(1)) {
    const other = builder.shape(id);
    if (other.length !== shape.length || other.some((length, at) => at !== index && length !== shape[at])) {
      throw InputError.of(
        `${parameters.layer.where}.concat`,
        `operands [${builder.shape(inputs[0]!).join(', ')}] and [${other.join(', ')}]`,
        'give operands that differ in the joined axis only',
      );
    }
    shape[index] = shape[index]! + other[index]!;
  }
  return builder.op(
    { kind: 'move', function: 'concat', name: parameters.layer.name, inputs: [...inputs], axis: index },
    shape,
  );
}

/** One of `parts` equal parts of the batch. */
export function part(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const [first, ...rest] = builder.shape(input);
  const parts = parameters.integer('parts', 2);
  const index = parameters.integer('index', 0, 0);
  if (first! % parts !== 0)
    throw InputError.of(
      `${parameters.layer.where}.part`,
      `a batch of ${first} in ${parts} parts`,
      `use a batch that is a multiple of ${parts}`,
    );
  const length = first! / parts;
  const { name } = parameters.layer;
  return builder.op({ kind: 'move', function: 'split', name, inputs: [input], axis: 0, start: index * length }, [
    length,
    ...rest,
  ]);
}

/** A new shape of one sample with as many elements. */
export function reshape(builder: TraceBuilder, parameters: Parameters, input: TensorId, flat: boolean): TensorId {
  const [n, ...rest] = builder.shape(input);
  const shape = flat ? [elements(rest)] : parameters.integers('shape');
  if (elements(shape) !== elements(rest))
    throw InputError.of(
      `${parameters.layer.where}.reshape`,
      `[${rest.join(', ')}] to [${shape.join(', ')}]`,
      'keep the number of elements',
    );
  return builder.reshape(parameters.layer.name, input, [n!, ...shape]);
}

/** Positions of a feature map as a sequence: [N, C, H, W] -> [N, W, C * H] (speech) . */
export function tokens(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const [n, c, h, w] = builder.shape(input) as [number, number, number, number];
  const { name } = parameters.layer;
  const permutation = [0, 3, 1, 2];
  return builder.op({ kind: 'move', function: 'transpose', name, inputs: [input], permutation }, [n, w, c * h]);
}

/** Leaves out a `rate` of the elements, drawn anew in every step of training; the trace of inference has no op for it. */
export function dropout(builder: TraceBuilder, parameters: Parameters, input: TensorId, training: boolean): TensorId {
  const rate = parameters.share('rate', 0.5);
  if (!training) return input;
  const { name } = parameters.layer;
  return builder.op(
    { kind: 'elementwise', function: 'dropout', name, inputs: [input], factor: 1 - rate },
    builder.shape(input),
  );
}

/** The last step of a sequence: [N, T, width] -> [N, width]. */
export function step(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const [n, steps, width] = builder.shape(input) as [number, number, number];
  const { name } = parameters.layer;
  return builder.op({ kind: 'move', function: 'split', name, inputs: [input], axis: 1, start: steps - 1 }, [n, width]);
}

/** A trained tensor added to every sample (position embeddings). */
export function constant(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const shape = builder.shape(input);
  const rows = parameters.integer('rows', shape[1] ?? 1);
  const weight = builder.weight(`${parameters.layer.name}.weight`, [rows, ...shape.slice(2)]);
  return builder.op(
    { kind: 'elementwise', function: 'bias', name: parameters.layer.name, inputs: [input, weight] },
    shape,
  );
}
