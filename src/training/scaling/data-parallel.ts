import { InputError } from '../../errors.ts';
import { TraceBuilder } from '../../trace/builder.ts';
import { elements } from '../../trace/facts.ts';
import type { Op, TensorId, Trace } from '../../trace/trace.ts';
import { updateParts } from '../execute/update-parts.ts';
import { type Bucket, BUCKET_BYTES, bucketsOf, type MadeGradient, madeGradients } from './buckets.ts';
import { sentCount } from './compression.ts';

export interface DataParallelOptions {
  readonly ranks: number;
  /** Gradients are exchanged in buckets of about so many bytes; 25 MiB if absent. */
  readonly bucketBytes?: number;
  /** Share of every gradient that is sent, with its places (deep gradient compression); absent: all of it, without. */
  readonly compressedShare?: number;
}

/**
 * The training step of one rank with the exchange of its gradients: an all-reduce of each bucket (their mean, as DistributedDataParallel
 * takes it), right behind the op that makes the bucket's last gradient, so that a machine may overlap it with the rest of the backward
 * pass. Rows of embedding tables are gathered with their indices. Throws InputError for a trace that is no training step.
 */
export function dataParallel(step: Trace, options: DataParallelOptions): Trace {
  const { ranks, bucketBytes = BUCKET_BYTES, compressedShare } = options;
  if (step.workload.phase !== 'training')
    throw InputError.of(step.workload.name, 'is no training step', 'exchange the gradients of a training step');
  const builder = TraceBuilder.continuing({ ...step, ops: [] }, { weights: 'fp32', activations: 'fp32' });
  const gradients = madeGradients(step);
  const rows = gradients.filter(({ update }) => update.sparse);
  const whole = gradients.filter(({ update }) => !update.sparse);
  const after = new Map<number, (() => void)[]>();
  const exchanged = new Map<TensorId, TensorId>();
  const schedule = (index: number, exchange: () => void): void =>
    void after.set(index, [...(after.get(index) ?? []), exchange]);
  const exchange = compressedShare === undefined ? allReduce : compressed(compressedShare);
  bucketsOf(step, whole, bucketBytes).forEach((bucket, index) =>
    schedule(bucket.gradients.at(-1)!.madeAt, () => exchange(builder, bucket, index, ranks, exchanged)),
  );
  for (const made of rows) schedule(made.madeAt, () => gatherRows(builder, made, ranks, exchanged));
  step.ops.forEach((op, index) => {
    builder.phase = op.phase;
    builder.push(op.kind === 'update' ? readExchanged(op, exchanged) : op, [...op.outputs]);
    builder.phase = 'communicate';
    for (const exchangeNow of after.get(index) ?? []) exchangeNow();
  });
  const workload = { ...step.workload, name: `${step.workload.name} data:${ranks}` };
  return { ...step, workload, tensors: builder.tensors, ops: builder.ops };
}

function readExchanged(op: Op, exchanged: ReadonlyMap<TensorId, TensorId>): Op {
  return { ...op, inputs: op.inputs.map((id) => exchanged.get(id) ?? id) } as Op;
}

/** A tensor like another, with so many times its first length. */
function like(builder: TraceBuilder, id: TensorId, ending: string, times = 1): TensorId {
  const { name, shape, dtype } = builder.tensors[id]!;
  return builder.tensor(`${name}.${ending}`, [times * shape[0]!, ...shape.slice(1)], 'gradient', dtype);
}

type Exchange = (
  builder: TraceBuilder,
  bucket: Bucket,
  index: number,
  ranks: number,
  exchanged: Map<TensorId, TensorId>,
) => void;

const allReduce: Exchange = (builder, bucket, index, ranks, exchanged) => {
  const inputs = bucket.gradients.map(({ gradient }) => gradient);
  const outputs = inputs.map((id) => like(builder, id, 'all-reduced'));
  builder.push({ kind: 'collective', function: 'all-reduce', name: `gradients.${index}`, ranks, inputs }, outputs);
  inputs.forEach((id, place) => exchanged.set(id, outputs[place]!));
};

function gatherRows(
  builder: TraceBuilder,
  { update, gradient }: MadeGradient,
  ranks: number,
  exchanged: Map<TensorId, TensorId>,
): void {
  const { weight, indices } = updateParts(update);
  const inputs = [gradient, indices!];
  const outputs = inputs.map((id) => like(builder, id, 'all-gathered', ranks));
  const name = `${builder.tensors[weight]!.name}.rows`;
  builder.push({ kind: 'collective', function: 'all-gather', name, ranks, inputs }, outputs);
  inputs.forEach((id, place) => exchanged.set(id, outputs[place]!));
}

/**
 * Each gradient is added to what its rank has not sent yet, with momentum; the largest sums leave with their places (int32), are gathered
 * from all ranks and scattered into a whole gradient again.
 */
function compressed(share: number): Exchange {
  return (builder, bucket, index, ranks, exchanged) => {
    const sent = bucket.gradients.flatMap(({ gradient }) => select(builder, gradient, share));
    const gathered = sent.map((id) => like(builder, id, 'all-gathered', ranks));
    const name = `gradients.${index}`;
    builder.push({ kind: 'collective', function: 'all-gather', name, ranks, inputs: sent }, gathered);
    bucket.gradients.forEach(({ gradient }, place) => {
      const whole = like(builder, gradient, 'scattered');
      const inputs = gathered.slice(2 * place, 2 * place + 2);
      const rows = builder.shape(inputs[0]!)[0]!;
      // The gradient of a gather is a scatter that adds.
      builder.phase = 'weight-gradient';
      builder.push(
        { kind: 'gather', name: `${builder.tensors[gradient]!.name}.scatter`, rows, width: 1, pooled: false, inputs },
        [whole],
      );
      builder.phase = 'communicate';
      exchanged.set(gradient, whole);
    });
  };
}

/** Values and places of the largest elements of a gradient and what is unsent of it. */
function select(builder: TraceBuilder, gradient: TensorId, share: number): [TensorId, TensorId] {
  const { name, shape, dtype } = builder.tensors[gradient]!;
  const state = (label: string): TensorId => builder.tensor(`${name}.${label}`, shape, 'state', 'fp32');
  const [velocity, residual] = [state('velocity'), state('residual')];
  const add = (label: string, inputs: TensorId[], into: TensorId): void =>
    void builder.push({ kind: 'elementwise', function: 'add', name: `${name}.${label}`, inputs }, [into]);
  add('momentum', [gradient, velocity], velocity);
  add('accumulate', [velocity, residual], residual);
  const count = sentCount(elements(shape), share);
  const values = builder.tensor(`${name}.sent`, [count], 'gradient', dtype);
  const places = builder.tensor(`${name}.places`, [count], 'gradient', 'int32');
  const axes = shape.map((_, axis) => axis);
  // The selection also clears the elements that leave.
  builder.push({ kind: 'reduce', function: 'max', name: `${name}.select`, inputs: [residual, velocity], axes }, [
    values,
    places,
    residual,
    velocity,
  ]);
  return [values, places];
}
