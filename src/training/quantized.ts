import { dequantizeValue, quantizeValue } from '../numerics/formats/affine.ts';
import {
  type ChannelLayout,
  dequantizeAffine,
  measureGrids,
  quantizeAffine,
} from '../numerics/formats/affine-tensor.ts';
import { NEAREST_EVEN } from '../numerics/formats/rounding.ts';
import type { Op, TensorId, Trace } from '../trace/trace.ts';
import { accuracyOf, shareRight, type TrainedNetwork } from './evaluate.ts';
import { Session } from './execute/session.ts';
import { learnedIds } from './execute/storage.ts';
import { Ranges } from './integer/grids.ts';
import { integerNetwork } from './integer/network.ts';

/** Samples whose activations set the grids; a few hundred are enough (Jacob 2018). */
const CALIBRATION_SAMPLES = 1000;

/**
 * Accuracy of a trained network whose products have integer operands: weights symmetric per result channel, activations affine per
 * tensor over the range they had on calibration samples. Every value lies on its grid, so the sums in fp32 are those of integers, exact
 * below 2^24; biases and sums stay wide, as accumulators are.
 */
export function quantizedAccuracy(network: TrainedNetwork, bits: 4 | 8): number {
  const { trained, forward, contractions } = network;
  const operands = contractionOperands(forward);
  const grids = calibrate(network, operands.activations).grids(bits);
  const session = new Session(forward, {
    seed: 0,
    contractions,
    round: (id, values) => {
      const grid = grids.get(id);
      if (grid === undefined) return;
      for (let index = 0; index < values.length; index++)
        values[index] = dequantizeValue(quantizeValue(values[index]!, grid, NEAREST_EVEN), grid);
    },
  });
  for (const id of learnedIds(forward)) {
    const { name } = forward.tensors[id]!;
    const weights = Float32Array.from(trained.session.weight(name));
    const layout = operands.weights.get(id);
    session.weight(name).set(layout === undefined ? weights : quantizeWeights(weights, layout, bits));
  }
  return accuracyOf({ ...trained, session }, network.test, network.testCount);
}

/**
 * Accuracy of a trained network that runs in integers from its input to its result: what products read and all that is kept has so many
 * bits, sums have 32, scales change by a product and a shift (Jacob 2018). Throws InputError for an op without a form in integers.
 */
export function integerAccuracy(network: TrainedNetwork, bits: 4 | 8): number {
  const { trained, forward } = network;
  const integers = integerNetwork({
    forward,
    grids: calibrate(network, 'all').grids(bits),
    weight: (name) => Float32Array.from(trained.session.weight(name)),
  });
  const input = forward.tensors.findIndex(({ name, role }) => role === 'input' && name === trained.input);
  const answer = (values: ArrayLike<number>): ArrayLike<number> => {
    integers.setInput(input, values);
    integers.run();
    return integers.result(trained.output).integers;
  };
  return shareRight(answer, trained.classes, network.test, network.testCount);
}

function quantizeWeights(weights: Float32Array, layout: ChannelLayout, bits: 4 | 8): Float32Array {
  const grids = measureGrids(weights, layout, { bits, symmetric: true });
  return dequantizeAffine(quantizeAffine(weights, layout, grids, NEAREST_EVEN));
}

interface Operands {
  readonly activations: ReadonlySet<TensorId>;
  readonly weights: ReadonlyMap<TensorId, ChannelLayout>;
}

/** What products and convolutions read. Filters [k, ...] have a grid each, matrices [k, n] one a column. */
function contractionOperands({ ops, tensors }: Trace): Operands {
  const activations = new Set<TensorId>();
  const weights = new Map<TensorId, ChannelLayout>();
  for (const op of ops) {
    if (op.kind !== 'matmul' && op.kind !== 'conv') continue;
    for (const id of op.inputs) {
      if (tensors[id]!.role === 'weight') weights.set(id, channelsOf(op));
      else activations.add(id);
    }
  }
  return { activations, weights };
}

function channelsOf(op: Extract<Op, { kind: 'matmul' | 'conv' }>): ChannelLayout {
  if (op.kind === 'conv') return { channels: op.k, innerElements: (op.c / op.groups) * op.r * op.s };
  return op.right?.transposed === true ? { channels: op.n, innerElements: op.k } : { channels: op.n, innerElements: 1 };
}

/** Ranges of activations on the calibration samples: of those that are read by products, or of all. */
function calibrate(
  { trained, forward, contractions, calibration, calibrationCount }: TrainedNetwork,
  measured: ReadonlySet<TensorId> | 'all',
): Ranges {
  const ranges = new Ranges();
  const session = new Session(forward, {
    seed: 0,
    contractions,
    weightsOf: trained.session,
    round: (id, values) => {
      if (measured === 'all' || measured.has(id)) ranges.add(id, values);
    },
  });
  accuracyOf({ ...trained, session }, calibration, Math.min(CALIBRATION_SAMPLES, calibrationCount));
  return ranges;
}
