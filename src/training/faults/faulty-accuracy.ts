import { InputError } from '../../errors.ts';
import { FLOAT_FORMATS, type FloatFormat } from '../../numerics/formats/float-format.ts';
import { Random } from '../../numerics/random.ts';
import type { Values } from '../../numerics/ops/values.ts';
import type { Tensor, TensorId, Trace } from '../../trace/trace.ts';
import { accuracyOf, type TrainedNetwork } from '../evaluate.ts';
import { Session } from '../execute/session.ts';
import { learnedIds, weightIds } from '../execute/storage.ts';
import { rounder } from '../rounding.ts';
import { type BitFlips, flipBits } from './bit-flips.ts';
import { type Perforation, perforated } from './perforation.ts';

/** Transient faults, in numbers that are stored or in sums that are cut short. */
export interface Faults {
  /** weights: once, before the test, all of them; activations: in what products read, in every batch anew. */
  readonly flips?: BitFlips & { readonly where: 'weights' | 'activations'; readonly seed: number };
  readonly perforation?: Perforation;
}

const FORMATS: Readonly<Record<string, FloatFormat>> = FLOAT_FORMATS;

/** Refuses, before a network is trained, faults that it cannot be tested under. Throws InputError for tensors that are not floating point. */
export function checkFaults(forward: Trace, { flips }: Faults): void {
  for (const id of flippedTensors(forward, flips)) formatOf(forward.tensors[id]!);
}

/**
 * Share of the test samples that a trained network tells right under faults, bits flipping in the formats of the trace; the trained
 * weights stay as they are. The same seed gives the same faults. Throws InputError for tensors that are not floating point.
 */
export function faultyAccuracy(network: TrainedNetwork, { flips, perforation }: Faults): number {
  const { trained, forward, contractions, test, testCount } = network;
  const random = Random.named(flips?.seed ?? 0, 'faults');
  const round = rounder(forward, 'nearest', random);
  const flipped = flippedTensors(forward, flips);
  const flip = (id: TensorId, values: Values): void => {
    if (flips !== undefined && flipped.has(id)) flipBits(values, formatOf(forward.tensors[id]!), flips, random);
  };
  const session = new Session(forward, {
    seed: 0,
    contractions: perforation === undefined ? contractions : perforated(contractions, perforation),
    round: (id, values) => {
      round?.(id, values);
      if (flips?.where === 'activations') flip(id, values);
    },
  });
  for (const id of learnedIds(forward)) {
    const { name } = forward.tensors[id]!;
    const weights = session.weight(name);
    weights.set(trained.session.weight(name));
    flip(id, weights);
  }
  return accuracyOf({ ...trained, session }, test, testCount);
}

/** All weights, or the operands of products and convolutions that are none. */
function flippedTensors(forward: Trace, flips: Faults['flips']): Set<TensorId> {
  if (flips === undefined) return new Set();
  if (flips.where === 'weights') return new Set(weightIds(forward));
  const { ops, tensors } = forward;
  const products = ops.filter(({ kind }) => kind === 'matmul' || kind === 'conv');
  return new Set(products.flatMap(({ inputs }) => inputs.filter((id) => tensors[id]!.role !== 'weight')));
}

function formatOf({ name, dtype }: Tensor): FloatFormat {
  const format = FORMATS[dtype];
  if (format === undefined)
    throw InputError.of(name, `bits of ${dtype}`, `flip bits in one of ${Object.keys(FORMATS).join(', ')}`);
  return format;
}
