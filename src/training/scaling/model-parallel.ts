import { InputError } from '../../errors.ts';
import { totalMacs } from '../../trace/facts.ts';
import type { TensorId, Trace } from '../../trace/trace.ts';
import { updateParts } from '../execute/update-parts.ts';
import { Partition } from './partition.ts';
import { splitOp } from './split-op.ts';

/**
 * The trace of one of several ranks that share every layer: weights are cut by output features, and by input features where the operand
 * is cut already, as in pairs of products with nothing but elementwise functions, pooling or heads of attention between
 * (Megatron, Shoeybi 2019). Terms of sums are all-reduced, what must be whole is all-gathered; backward ops and updates follow
 * the weights. Ops that no side of which divides by the ranks are done by all of them. Throws InputError if that is all of them.
 */
export function modelParallel(trace: Trace, ranks: number): Trace {
  const partition = new Partition(trace, ranks);
  const weightOf = weightsOfGradients(trace);
  for (const op of trace.ops)
    partition.place(
      splitOp(partition, op, (gradient) => {
        const weight = weightOf.get(gradient);
        return weight === undefined ? null : (partition.splitOf(weight) ?? null);
      }),
    );
  const { tensors, ops } = partition.builder;
  const { workload } = trace;
  const own = { ...trace, workload: { ...workload, name: `${workload.name} model:${ranks}` }, tensors, ops };
  if (ranks > 1 && totalMacs(own) === totalMacs(trace))
    throw InputError.of(
      `model of ${ranks} ranks`,
      `no product of ${workload.name} divides`,
      'use a number of ranks that divides features or channels',
    );
  return own;
}

/** The weight that each gradient belongs to, also those that are summed up to it. */
function weightsOfGradients({ ops }: Trace): ReadonlyMap<TensorId, TensorId> {
  const weightOf = new Map<TensorId, TensorId>();
  for (const op of ops.toReversed()) {
    if (op.kind === 'update') {
      const { gradient, weight } = updateParts(op);
      if (!op.sparse) weightOf.set(gradient, weight);
      continue;
    }
    const weight = weightOf.get(op.outputs[0]!);
    if (weight === undefined || op.kind !== 'elementwise' || op.function !== 'add') continue;
    for (const id of op.inputs) weightOf.set(id, weight);
  }
  return weightOf;
}
