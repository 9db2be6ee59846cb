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

/** What an op reads and makes on this machine. Stored statistics are part of scale and shift; a delay moves pointers and keeps one value. */
function operands(
  op: Op,
  training: boolean,
): { readonly inputs: readonly TensorId[]; readonly outputs: readonly TensorId[] } {
  if (normalisesByConstants(op, training)) return { inputs: op.inputs.slice(0, 3), outputs: op.outputs };
  if (op.kind === 'move' && op.function === 'delay')
    return { inputs: op.inputs.slice(0, 1), outputs: op.outputs.slice(0, 1) };
  return op;
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
    const { inputs: read, outputs } = operands(op, training);
    const host = producer.get(op.inputs[0]!);
    const others = read.slice(1).filter((id) => !isWeight(trace, id));
    const fits =
      host !== undefined &&
      consumers[op.inputs[0]!] === 1 &&
      canFollow(op, training) &&
      (others.length === 0 || (fuseBinary && host === groups[groups.length - 1])) &&
      outputs.length === 1;
    if (fits) {
      host.members.push(index);
      host.inputs.push(...others);
      host.smallWeights.push(...read.slice(1).filter((id) => isWeight(trace, id)));
      producer.delete(op.inputs[0]!);
      host.outputs = [op.outputs[0]!, ...host.outputs.slice(1)];
      producer.set(op.outputs[0]!, host);
      return;
    }
    // An update reads the weights themselves; elsewhere they come as tiles or beside the results.
    const inputs = op.kind === 'update' ? [...read] : read.filter((id) => !isWeight(trace, id));
    const hasTiles = op.kind === 'matmul' || op.kind === 'conv' || op.kind === 'gather' || op.kind === 'update';
    const smallWeights = hasTiles ? [] : read.filter((id) => isWeight(trace, id));
    const group: Group = { members: [index], inputs, smallWeights, outputs };
    groups.push(group);
    // What a normalisation keeps of its statistics is there before its result is.
    if (outputs.length === 1 || op.kind === 'norm') producer.set(outputs[0]!, group);
  });
  return groups;
}

/** Whether the activation unit can apply an op to results on their way into the buffer. */
function canFollow(op: Op, training: boolean): boolean {
  if (op.kind === 'elementwise') return op.function !== 'loss';
  return normalisesByConstants(op, training);
}

/** With stored statistics, or the norms of fixed weights, normalisation is one scale and one shift a channel. */
export function normalisesByConstants(op: Op, training: boolean): boolean {
  if (op.kind !== 'norm' || training) return false;
  return ['batch', 'batch-renorm', 'online', 'weight'].includes(op.function);
}
