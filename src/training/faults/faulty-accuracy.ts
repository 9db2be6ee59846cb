import { InputError } from '../../errors.ts';
import { FLOAT_FORMATS, type FloatFormat } from '../../numerics/formats/float-format.ts';
import type { Contractions } from '../../numerics/ops/contraction.ts';
import { Random } from '../../numerics/random.ts';
import type { Tensor, TensorId, Trace } from '../../trace/trace.ts';
import type { Batches } from '../batches.ts';
import { accuracyOf, type Classifier } from '../evaluate.ts';
import { Session } from '../execute/session.ts';
import { learnedIds } from '../execute/storage.ts';
import { rounder } from '../rounding.ts';
import { type BitFlips, flipBits } from './bit-flips.ts';
import { type Perforation, perforated } from './perforation.ts';

/** Transient faults, in numbers that are stored or in sums that are cut short. */
export interface Faults {
  /** weights: once, before the test, all of them; activations: in what products read, in every batch anew. */
  readonly flips?: BitFlips & { readonly where: 'weights' | 'activations'; readonly seed: number };
  readonly perforation?: Perforation;
}

export interface FaultTest {
  readonly trained: Classifier;
  readonly forward: Trace;
  readonly contractions: Contractions;
  readonly faults: Faults;
  readonly test: Batches;
  readonly testCount: number;
}

const FORMATS: Readonly<Record<string, FloatFormat>> = FLOAT_FORMATS;

/**
 * Share of the test samples that a trained network tells right under faults, bits flipping in the formats of the trace; the trained
 * weights stay as they are. The same seed gives the same faults. Throws InputError for tensors that are not floating point.
 */
export function faultyAccuracy({ trained, forward, contractions, faults, test, testCount }: FaultTest): number {
  const { flips, perforation } = faults;
  const random = Random.named(flips?.seed ?? 0, 'faults');
  const round = rounder(forward, 'nearest', random);
  const operands = flips?.where === 'activations' ? productOperands(forward) : new Set<TensorId>();
  const session = new Session(forward, {
    seed: 0,
    contractions: perforation === undefined ? contractions : perforated(contractions, perforation),
    round: (id, values) => {
      round?.(id, values);
      if (flips !== undefined && operands.has(id)) flipBits(values, formatOf(forward.tensors[id]!), flips, random);
    },
  });
  for (const id of learnedIds(forward)) {
    const tensor = forward.tensors[id]!;
    const weights = session.weight(tensor.name);
    weights.set(trained.session.weight(tensor.name));
    if (flips?.where === 'weights' && tensor.role === 'weight') flipBits(weights, formatOf(tensor), flips, random);
  }
  return accuracyOf({ ...trained, session }, test, testCount);
}

/** Operands of products and convolutions that are no weights. */
function productOperands({ ops, tensors }: Trace): Set<TensorId> {
  const products = ops.filter(({ kind }) => kind === 'matmul' || kind === 'conv');
  return new Set(products.flatMap(({ inputs }) => inputs.filter((id) => tensors[id]!.role !== 'weight')));
}

function formatOf({ name, dtype }: Tensor): FloatFormat {
  const format = FORMATS[dtype];
  if (format === undefined)
    throw InputError.of(name, `bits of ${dtype}`, `flip bits in one of ${Object.keys(FORMATS).join(', ')}`);
  return format;
}
