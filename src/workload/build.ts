import { InputError, type Problem } from '../errors.ts';
import type { Precision, TensorId, Trace } from '../trace/trace.ts';
import { TraceBuilder } from '../trace/builder.ts';
import { didYouMean } from '../suggest.ts';
import { additiveAttention, attention } from './layers/attention.ts';
import { conv, crop, deconv, globalpool, pool, upsample } from './layers/convolution.ts';
import { embedding, interaction, linear, softmax } from './layers/dense.ts';
import { recurrent } from './layers/recurrent.ts';
import {
  act,
  combine,
  concat,
  constant,
  dropout,
  followers,
  normLayer,
  part,
  reshape,
  step,
  tokens,
} from './layers/simple.ts';
import type { Layer } from './layer.ts';
import type { Network } from './network.ts';
import { Parameters } from './parameters.ts';
import { parsePrecision } from './precision.ts';

export interface BuildOptions {
  readonly batch: number;
  readonly precision: Precision;
  /** The precision as the user would write it. */
  readonly precisionText: string;
  /** For a training step: with what only training has (dropout). */
  readonly training?: boolean;
}

/** Records the forward pass of a network by shapes alone. Throws InputError listing what does not fit together. */
export function buildTrace(network: Network, options: BuildOptions): Trace {
  const { batch, precision, precisionText, training = false } = options;
  const builder = new TraceBuilder(batch, precision);
  const results: Results = new Map();
  for (const [name, input] of Object.entries(network.inputs)) {
    results.set(
      name,
      builder.tensor(
        name,
        [batch, ...input.shape],
        input.state ? 'state' : 'input',
        input.dtype ?? precision.activations,
      ),
    );
  }
  buildLayers(builder, results, network.layers, training);
  markOutputs(builder);
  return {
    schema: 'accsim.trace/1',
    workload: { name: network.name, batch, phase: 'inference', precision: precisionText },
    tensors: builder.tensors,
    ops: builder.ops,
  };
}

/** Result of every layer by full name. */
type Results = Map<string, TensorId>;

/** Looks a name up from the block a layer stands in outwards; null if that layer could not be built. */
function resolve(results: Results, layer: Layer, name: string, failed: ReadonlySet<string>): TensorId | null {
  for (let scope = layer.scope; ; scope = scope.slice(0, scope.lastIndexOf('/', scope.length - 2) + 1)) {
    if (failed.has(scope + name)) return null;
    const id = results.get(scope + name);
    if (id !== undefined) return id;
    if (scope === '') break;
  }
  const known = new Set([...results.keys()].map((key) => key.split('/').pop()!));
  throw InputError.of(
    `${layer.where}.${layer.type}.from`,
    `${name} is no layer before this one`,
    didYouMean(name, [...known].slice(-40)),
  );
}

/** Builds layer after layer; a layer that cannot be built takes those that read it with it, the others are still checked. */
function buildLayers(builder: TraceBuilder, results: Results, layers: readonly Layer[], training: boolean): void {
  const problems = new Map<string, Problem>();
  const failed = new Set<string>();
  let previous: TensorId | null = results.values().next().value!;
  for (const layer of layers) {
    try {
      const inputs: (TensorId | null)[] =
        layer.from.length === 0 ? [previous] : layer.from.map((name) => resolve(results, layer, name, failed));
      previous = inputs.includes(null) ? null : buildLayer(builder, layer, inputs as TensorId[], problems, training);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      for (const problem of error.problems) problems.set(`${problem.where}\n${problem.found}`, problem);
      previous = null;
    }
    if (previous === null) failed.add(layer.name);
    else results.set(layer.name, previous);
  }
  if (problems.size > 0) throw new InputError([...problems.values()]);
}

function buildLayer(
  builder: TraceBuilder,
  layer: Layer,
  inputs: readonly TensorId[],
  problems: Map<string, Problem>,
  training: boolean,
): TensorId {
  const parameters = new Parameters(layer);
  const precision = parameters.text('precision');
  builder.precision =
    precision === null ? builder.defaultPrecision : parsePrecision(precision, `${layer.where}.${layer.type}.precision`);
  const result = dispatch(builder, layer, parameters, inputs[0]!, inputs, training);
  const followed = followers(builder, parameters, result);
  for (const problem of parameters.unknown()) problems.set(problem.where, problem);
  return followed;
}

function dispatch(
  builder: TraceBuilder,
  layer: Layer,
  parameters: Parameters,
  first: TensorId,
  inputs: readonly TensorId[],
  training: boolean,
): TensorId {
  switch (layer.type) {
    case 'conv':
      return conv(builder, parameters, first);
    case 'deconv':
      return deconv(builder, parameters, first);
    case 'linear':
      return linear(builder, parameters, first);
    case 'pool':
      return pool(builder, parameters, first);
    case 'globalpool':
      return globalpool(builder, parameters, first);
    case 'norm':
      return normLayer(builder, parameters, first);
    case 'act':
      return act(builder, parameters, first);
    case 'add':
      return combine(builder, parameters, inputs, 'add');
    case 'mul':
      return combine(builder, parameters, inputs, 'mul');
    case 'concat':
      return concat(builder, parameters, inputs);
    case 'part':
      return part(builder, parameters, first);
    case 'reshape':
      return reshape(builder, parameters, first, false);
    case 'flatten':
      return reshape(builder, parameters, first, true);
    case 'softmax':
      return softmax(builder, parameters, first);
    case 'embedding':
      return embedding(builder, parameters, first);
    case 'interaction':
      return interaction(builder, parameters, inputs);
    case 'attention':
      return attention(builder, parameters, inputs);
    case 'additive-attention':
      return additiveAttention(builder, parameters, inputs);
    case 'crop':
      return crop(builder, parameters, first);
    case 'lstm':
    case 'gru':
    case 'rnn':
      return recurrent(layer.type, builder, parameters, first);
    case 'upsample':
      return upsample(builder, parameters, first);
    case 'tokens':
      return tokens(builder, parameters, first);
    case 'constant':
      return constant(builder, parameters, first);
    case 'step':
      return step(builder, parameters, first);
    case 'dropout':
      return dropout(builder, parameters, first, training);
    default:
      return first;
  }
}

/** What no op reads leaves the machine; weights and states stay. */
function markOutputs(builder: TraceBuilder): void {
  const read = new Set(builder.ops.flatMap((op) => op.inputs));
  builder.tensors.forEach((tensor, id) => {
    if (tensor.role === 'activation' && !read.has(id)) builder.tensors[id] = { ...tensor, role: 'output' };
  });
}
