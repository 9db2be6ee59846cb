import type { Contractions } from '../../numerics/ops/contraction.ts';
import type { Values } from '../../numerics/ops/values.ts';
import { elements } from '../../trace/facts.ts';
import type { MatmulOp, Op, TensorId, Trace } from '../../trace/trace.ts';
import { planMemory } from './memory.ts';
import { storedStatistics } from '../statistics.ts';
import { updateParts } from './update-parts.ts';

/** Arrays of every tensor of a trace, and which of them hold its values after a run. */
export interface Storage {
  readonly values: readonly Values[];
  readonly readable: ReadonlySet<TensorId>;
  /** Gradients sag remembers by weight, one for each mini-batch of an epoch. */
  readonly remembered: ReadonlyMap<TensorId, readonly Values[]>;
}

export interface StorageOptions {
  readonly contractions: Contractions;
  /** Tensors to be read after a run, besides those that are kept anyway. */
  readonly keep: 'all' | readonly TensorId[];
  /** Gradients that are computed where they are read, by the product that makes them; their arrays are empty. */
  readonly notStored: ReadonlyMap<TensorId, MatmulOp>;
  /** Array of a weight or running statistic by name, if it is somebody else's. */
  readonly lent: ((name: string) => Values) | null;
  readonly batchesPerEpoch: number;
}

/** The forward op that computes a loss. */
export function isLoss(op: Op): boolean {
  return op.kind === 'elementwise' && op.function === 'loss' && op.phase === 'forward';
}

export function weightIds(trace: Trace): TensorId[] {
  return trace.tensors.flatMap(({ role }, id) => (role === 'weight' ? [id] : []));
}

/** What a trained network consists of: weights, and the running statistics of normalisations where no op changes them. */
export function learnedIds(trace: Trace): TensorId[] {
  return [...weightIds(trace), ...storedStatistics(trace)];
}

/** Allocates all memory of a session. Inputs, weights, states, outputs and what losses read keep their values. */
export function allocateStorage(trace: Trace, options: StorageOptions): Storage {
  const { tensors, ops } = trace;
  const { contractions, lent, notStored } = options;
  const kept = new Set(options.keep === 'all' ? tensors.keys() : options.keep);
  for (const op of ops) if (isLoss(op)) kept.add(op.inputs[0]!);
  const plan = planMemory(trace, kept, notStored);
  const borrowed = new Set(lent === null ? [] : learnedIds(trace));
  const unused = new Set([...borrowed].map((id) => plan.arrayOf[id]!));
  const arrays = plan.arrayElements.map((count, array) => contractions.allocate(unused.has(array) ? 0 : count));
  const values = tensors.map(({ name, shape }, id) =>
    lent !== null && borrowed.has(id) ? lent(name) : arrays[plan.arrayOf[id]!]!.subarray(0, elements(shape)),
  );
  const isKept = (id: TensorId): boolean =>
    kept.has(id) || (tensors[id]!.role !== 'activation' && tensors[id]!.role !== 'gradient');
  const readable = new Set([...tensors.keys()].filter(isKept));
  return { values, readable, remembered: rememberedGradients(trace, values, options) };
}

/** The first of sag's gradients is the state the trace has for it; the others stand for the same tensor in other steps. */
function rememberedGradients(
  { ops }: Trace,
  values: readonly Values[],
  { contractions, batchesPerEpoch }: StorageOptions,
): Map<TensorId, readonly Values[]> {
  const remembered = new Map<TensorId, readonly Values[]>();
  for (const op of ops) {
    if (op.kind !== 'update' || op.optimizer !== 'sag') continue;
    const { weight, states } = updateParts(op);
    const last = values[states[1]!]!;
    const others = Array.from({ length: batchesPerEpoch - 1 }, () => contractions.allocate(last.length));
    remembered.set(weight, [last, ...others]);
  }
  return remembered;
}
