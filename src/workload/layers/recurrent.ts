import { InputError } from '../../errors.ts';
import type { TensorId } from '../../trace/trace.ts';
import type { TraceBuilder } from '../../trace/builder.ts';
import type { Parameters } from '../parameters.ts';
import { CELLS, type CellKind, type Gates } from './cells.ts';

/**
 * How the products of a step are formed. `ahead`: one product projects the inputs of all steps, each step multiplies the
 * hidden state only. `joined`: each step multiplies [input, hidden] by one stacked matrix, as accelerators with a fixed
 * instruction per layer do.
 */
const PRODUCTS = ['ahead', 'joined'] as const;

interface Direction {
  readonly cell: CellKind;
  readonly product: (typeof PRODUCTS)[number];
  readonly n: number;
  readonly steps: number;
  readonly width: number;
  readonly hidden: number;
  /** Bias vectors a gate has: frameworks that keep one for the input and one for the state count two. */
  readonly biases: number;
  readonly reversed: boolean;
}

/** A recurrent layer over a sequence [N, T, width] -> [N, T, hidden] (bidirectional: twice that, or the sum). */
export function recurrent(cell: CellKind, builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const { name, where } = parameters.layer;
  const shape = builder.shape(input);
  if (shape.length !== 3)
    throw InputError.of(
      `${where}.${cell}`,
      `its operand has shape [${shape.join(', ')}]`,
      'give it a sequence [N, T, width]',
    );
  const [n, steps, width] = shape as [number, number, number];
  const hidden = parameters.integer('hidden');
  const biases = parameters.integer('biases', 1, 0);
  const product = parameters.choice('product', PRODUCTS, 'ahead');
  const common = { cell, product, n, steps, width, hidden, biases };
  const sum = parameters.flag('sum', false);
  if (!parameters.flag('bidirectional', false)) return direction(builder, name, input, { ...common, reversed: false });
  const outputs = [
    direction(builder, `${name}.forward`, input, { ...common, reversed: false }),
    direction(builder, `${name}.backward`, input, { ...common, reversed: true }),
  ];
  if (sum)
    return builder.op({ kind: 'elementwise', function: 'add', name: `${name}.sum`, inputs: outputs }, [
      n,
      steps,
      hidden,
    ]);
  return builder.op({ kind: 'move', function: 'concat', name: `${name}.concat`, inputs: outputs, axis: 2 }, [
    n,
    steps,
    hidden * 2,
  ]);
}

/** All steps of one direction. */
function direction(builder: TraceBuilder, name: string, input: TensorId, layer: Direction): TensorId {
  const { n, steps, hidden } = layer;
  const gatesOf =
    layer.product === 'ahead' ? projectedAhead(builder, name, input, layer) : joined(builder, name, input, layer);
  let output = builder.tensor(`${name}.hidden`, [n, hidden], 'state', builder.precision.activations);
  let state: TensorId | null =
    layer.cell === 'lstm' ? builder.tensor(`${name}.cell`, [n, hidden], 'state', builder.precision.activations) : null;
  const outputs: TensorId[] = [];
  for (let index = 0; index < steps; index++) {
    const step = layer.reversed ? steps - 1 - index : index;
    const at = `${name}.${step}`;
    const next = CELLS[layer.cell].step({
      builder,
      name: at,
      n,
      hidden,
      gates: gatesOf(step, at),
      previous: output,
      state,
    });
    output = next.output;
    state = next.state;
    outputs[step] = output;
  }
  return builder.op({ kind: 'move', function: 'concat', name: `${name}.sequence`, inputs: outputs, axis: 1 }, [
    n,
    steps,
    hidden,
  ]);
}

function addBiases(builder: TraceBuilder, name: string, layer: Direction, gates: TensorId, at = name): TensorId {
  let result = gates;
  for (let index = 0; index < layer.biases; index++) {
    const term = builder.weight(`${name}.bias${index}`, [layer.hidden * CELLS[layer.cell].gates]);
    result = builder.op(
      { kind: 'elementwise', function: 'bias', name: `${at}.bias${index}`, inputs: [result, term] },
      builder.shape(result),
    );
  }
  return result;
}

/** Projects the inputs of all steps with one product; a step adds the product of its hidden state. */
function projectedAhead(
  builder: TraceBuilder,
  name: string,
  input: TensorId,
  layer: Direction,
): (step: number, at: string) => Gates {
  const { n, steps, width, hidden } = layer;
  const total = hidden * CELLS[layer.cell].gates;
  const inputWeight = builder.weight(`${name}.input.weight`, [width, total]);
  const recurrentWeight = builder.weight(`${name}.recurrent.weight`, [hidden, total]);
  const raw = builder.op(
    { kind: 'matmul', name: `${name}.input`, inputs: [input, inputWeight], batch: 1, m: n * steps, n: total, k: width },
    [n, steps, total],
  );
  const projected = addBiases(builder, name, layer, raw);
  const slices = builder.split(
    `${name}.slices`,
    projected,
    1,
    Array.from({ length: steps }, () => [n, total]),
  );
  return (step, at) => ({
    fromInput: slices[step]!,
    times: (state) =>
      builder.op(
        {
          kind: 'matmul',
          name: `${at}.recurrent`,
          inputs: [state, recurrentWeight],
          batch: 1,
          m: n,
          n: total,
          k: hidden,
        },
        [n, total],
      ),
    together: null,
  });
}

/** Each step multiplies [input, hidden] by the stacked weights of input and state. */
function joined(
  builder: TraceBuilder,
  name: string,
  input: TensorId,
  layer: Direction,
): (step: number, at: string) => Gates {
  const { n, steps, width, hidden } = layer;
  const total = hidden * CELLS[layer.cell].gates;
  if (layer.cell === 'gru')
    throw InputError.of(
      `${name}.product`,
      'a GRU whose products are joined',
      'use `ahead`: its candidate needs the state after the reset gate',
    );
  const weight = builder.weight(`${name}.weight`, [width + hidden, total]);
  const slices = builder.split(
    `${name}.slices`,
    input,
    1,
    Array.from({ length: steps }, () => [n, width]),
  );
  return (step, at) => ({
    fromInput: null,
    times: null,
    together: (state) => {
      const stacked = builder.op(
        { kind: 'move', function: 'concat', name: `${at}.stack`, inputs: [slices[step]!, state], axis: 1 },
        [n, width + hidden],
      );
      const product = builder.op(
        { kind: 'matmul', name: `${at}.gates`, inputs: [stacked, weight], batch: 1, m: n, n: total, k: width + hidden },
        [n, total],
      );
      return addBiases(builder, name, layer, product, at);
    },
  });
}
