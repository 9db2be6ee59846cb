import { elements } from '../../trace/facts.ts';
import type { ElementwiseOp, GatherOp, MoveOp, NormOp, Op, ReduceOp, TensorId } from '../../trace/trace.ts';
import type { Partition, Placement, Split } from './partition.ts';
import { splitConv, splitMatmul, type Wanted } from './split-contraction.ts';

/** Norms whose statistics are those of each channel. */
const BY_CHANNEL: ReadonlySet<NormOp['function']> = new Set(['batch', 'instance', 'batch-renorm', 'online']);

/** One rank's part of an op: where its operands are cut already it follows them, else weights are cut. */
export function splitOp(partition: Partition, op: Op, wanted: Wanted): Placement {
  return attempt(partition, op, wanted) ?? whole(op);
}

/** Every rank does all of it. */
function whole(op: Op): Placement {
  return { op, inputs: op.inputs.map(() => null), outputs: op.outputs.map(() => null) };
}

function attempt(partition: Partition, op: Op, wanted: Wanted): Placement | null {
  switch (op.kind) {
    case 'matmul':
      return splitMatmul(partition, op, wanted);
    case 'conv':
      return splitConv(partition, op, wanted);
    case 'elementwise':
      return splitElementwise(partition, op);
    case 'reduce':
      return splitReduce(partition, op);
    case 'gather':
      return splitGather(partition, op);
    case 'move':
      return splitMove(partition, op);
    case 'norm':
      return BY_CHANNEL.has(op.function) ? splitChannels(partition, op) : null;
    case 'pool':
      return splitChannels(partition, op);
    case 'softmax':
      return along(partition, op, (axis, rank) => axis < rank - 1);
    case 'update':
      return splitUpdate(partition, op);
    default:
      return null;
  }
}

/** The first operand that is cut, and how. */
function firstCut(partition: Partition, ids: readonly TensorId[]): { id: TensorId; axis: number } | null {
  for (const id of ids) {
    const axis = partition.splitOf(id);
    if (axis !== null && axis !== undefined) return { id, axis };
  }
  return null;
}

/** All operands and results are cut along the same axis, if it is one that the op can be cut along. */
function along(partition: Partition, op: Op, allowed: (axis: number, rank: number) => boolean): Placement | null {
  const cut = firstCut(partition, op.inputs);
  if (cut === null) return null;
  const rank = partition.shape(cut.id).length;
  const all = [...op.inputs, ...op.outputs];
  const alike = all.every((id) => partition.shape(id).length === rank && partition.divides(id, cut.axis));
  if (!alike || !allowed(cut.axis, rank)) return null;
  return { op, inputs: op.inputs.map(() => cut.axis), outputs: op.outputs.map(() => cut.axis) };
}

/** Feature maps by channels, and with them what belongs to a channel. */
function splitChannels(partition: Partition, op: Op): Placement | null {
  const cut = firstCut(partition, op.inputs);
  if (cut?.axis !== 1) return null;
  const of = (id: TensorId): Split => (partition.shape(id).length === 1 ? 0 : 1);
  return { op, inputs: op.inputs.map(of), outputs: op.outputs.map(of) };
}

function splitElementwise(partition: Partition, op: ElementwiseOp): Placement | null {
  const cut = firstCut(partition, op.inputs);
  if (cut === null || op.function === 'loss') return null;
  const shape = partition.shape(op.outputs[0]!);
  const ofChannels = (id: TensorId): boolean =>
    op.function === 'bias' && shape.length === 4 && partition.shape(id).length === 1;
  const resultAxis = ofChannels(cut.id) ? 1 : cut.axis + shape.length - partition.shape(cut.id).length;
  // The mask of attention differs along the last two axes.
  if (op.function === 'mask' && resultAxis >= shape.length - 2) return null;
  const of = (id: TensorId): Split => {
    if (ofChannels(id)) return 0;
    const own = partition.shape(id);
    const axis = resultAxis - (shape.length - own.length);
    return axis < 0 || own[axis] !== shape[resultAxis] ? null : axis;
  };
  return { op, inputs: op.inputs.map(of), outputs: op.outputs.map(() => resultAxis) };
}

function splitReduce(partition: Partition, op: ReduceOp): Placement | null {
  const cut = firstCut(partition, op.inputs.slice(0, 1));
  if (cut === null) return null;
  if (op.phase === 'input-gradient') {
    const kept = partition.shape(op.outputs[0]!).flatMap((_, axis) => (op.axes.includes(axis) ? [] : [axis]));
    const axis = kept[cut.axis];
    return axis === undefined || op.inputs.length > 1 ? null : { op, inputs: [cut.axis], outputs: [axis] };
  }
  if (op.axes.includes(cut.axis)) return op.function === 'sum' ? { op, inputs: [cut.axis], outputs: ['sum'] } : null;
  return { op, inputs: [cut.axis], outputs: [cut.axis - op.axes.filter((axis) => axis < cut.axis).length] };
}

/** Tables by columns, so that every rank has a part of each row. */
function splitGather(partition: Partition, op: GatherOp): Placement | null {
  const [first, indices] = op.inputs as [TensorId, TensorId];
  const result = op.outputs[0]!;
  const [from, to] = [partition.shape(first).length - 1, partition.shape(result).length - 1];
  const split = partition.splitOf(first);
  const free = split === undefined && partition.divides(first, from);
  if (op.inputs.length !== 2 || partition.splitOf(indices) !== null || !(free || split === from)) return null;
  return { op: { ...op, width: op.width / partition.ranks }, inputs: [from, null], outputs: [to] };
}

function splitMove(partition: Partition, op: MoveOp): Placement | null {
  const cut = firstCut(partition, op.inputs);
  if (cut === null) return null;
  const [from, to] = [partition.shape(cut.id), partition.shape(op.outputs[0]!)];
  switch (op.function) {
    case 'reshape':
    case 'copy': {
      // Parts stay parts where as many elements lie before the axis, and its length divides.
      const before = elements(from.slice(0, cut.axis));
      const axis = to.findIndex(
        (length, place) => length % partition.ranks === 0 && elements(to.slice(0, place)) === before,
      );
      return axis < 0 ? null : { op, inputs: [cut.axis], outputs: [axis] };
    }
    case 'transpose': {
      const axis = op.permutation!.indexOf(cut.axis);
      return to.length === from.length && to[axis] === from[cut.axis]
        ? { op, inputs: [cut.axis], outputs: [axis] }
        : null;
    }
    case 'upsample':
      return along(partition, op, (axis) => axis <= 1);
    case 'triangle':
      return null;
    default:
      return along(partition, op, (axis) => axis !== op.axis);
  }
}

/** As the weight is cut, so are its gradient and what the optimizer keeps. */
function splitUpdate(partition: Partition, op: Op & { kind: 'update' }): Placement {
  const split = partition.splitOf(op.outputs[0]!) ?? null;
  const { length } = partition.shape(op.outputs[0]!);
  const last = op.inputs.length - 1;
  const inputs = op.inputs.map((id, place): Split => {
    if (op.sparse && place === last) return null;
    // Rows of a table have more axes in front.
    return split === null ? null : split + partition.shape(id).length - length;
  });
  return { op, inputs, outputs: op.outputs.map(() => split) };
}
