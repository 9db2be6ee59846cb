import type { Op, TensorId, Trace } from '../../../trace/trace.ts';

/** Ops that run together: a contraction or vector op and what the activation unit applies to its results on their way out. */
export interface Group {
  /** Indices into `trace.ops`, the lead op first. */
  readonly members: number[];
  /** Tensors the group reads from outside. */
  readonly inputs: TensorId[];
  /** Biases, scales and the like: weights beside those of a contraction. */
  readonly smallWeights: TensorId[];
  /** Tensors that leave the group; all but an op's first are by-products (statistics, optimizer state). */
  outputs: readonly TensorId[];
}

/** Layouts that a buffer can present by addressing alone. */
const FREE_MOVES: ReadonlySet<string> = new Set(['concat', 'split', 'reshape']);

export function isView(op: Op): boolean {
  return op.kind === 'move' && FREE_MOVES.has(op.function);
}

function isWeight(trace: Trace, id: TensorId): boolean {
  return trace.tensors[id]!.role === 'weight';
}

/** Groups in program order; views belong to no group. */
export function groupOps(trace: Trace, fuseBinary: boolean): Group[] {
  const training = trace.workload.phase === 'training';
  const consumers = new Int32Array(trace.tensors.length);
  for (const op of trace.ops) for (const id of op.inputs) consumers[id]!++;
  const producer = new Map<TensorId, Group>();
  const known = new Set<TensorId>();
  const groups: Group[] = [];
  trace.ops.forEach((op, index) => {
    if (isView(op)) {
      for (const id of op.outputs) known.add(id);
      return;
    }
    const host = producer.get(op.inputs[0]!);
    const others = op.inputs.slice(1).filter((id) => !isWeight(trace, id));
    const fits =
      host !== undefined &&
      consumers[op.inputs[0]!] === 1 &&
      canFollow(op, training) &&
      (others.length === 0 || (fuseBinary && host === groups[groups.length - 1])) &&
      op.outputs.length === 1;
    if (fits) {
      host.members.push(index);
      host.inputs.push(...others);
      host.smallWeights.push(...op.inputs.slice(1).filter((id) => isWeight(trace, id)));
      producer.delete(op.inputs[0]!);
      host.outputs = op.outputs;
      producer.set(op.outputs[0]!, host);
      return;
    }
    // An update reads the weights themselves; elsewhere they come as tiles or beside the results.
    const inputs = op.kind === 'update' ? [...op.inputs] : op.inputs.filter((id) => !isWeight(trace, id));
    const hasTiles = op.kind === 'matmul' || op.kind === 'conv' || op.kind === 'gather' || op.kind === 'update';
    const smallWeights = hasTiles ? [] : op.inputs.filter((id) => isWeight(trace, id));
    const group: Group = { members: [index], inputs, smallWeights, outputs: op.outputs };
    groups.push(group);
    if (op.outputs.length === 1) producer.set(op.outputs[0]!, group);
  });
  return groups;
}

/** Whether the activation unit can apply an op to results on their way into the buffer. */
function canFollow(op: Op, training: boolean): boolean {
  if (op.kind === 'elementwise') return op.function !== 'loss';
  // With stored statistics (inference) batch normalisation is one scale and one shift per channel.
  return op.kind === 'norm' && op.function === 'batch' && !training;
}
