import { elements } from '../../../trace/facts.ts';
import type { Op, TensorId, Trace, UpdateOp } from '../../../trace/trace.ts';

/** Ops that run as one: the first leads, the others work on its results on their way, or with it on the same weights. */
export interface Group {
  readonly members: readonly number[];
  /** Weight that is changed in place by the group's weight gradient, which is then never stored. */
  readonly updates: TensorId | null;
}

/** Optimizers that need nothing but the gradient: an update is then one multiply-add. */
const PLAIN: ReadonlySet<UpdateOp['optimizer']> = new Set<UpdateOp['optimizer']>(['gd', 'sgd']);

/** Joins elementwise ops to what makes their operand, plain updates to their gradients, and those to the delta that reads the same weight. */
export function groupOps(trace: Trace): Group[] {
  const { ops } = trace;
  const readers = readersOf(trace);
  const made = new Map<TensorId, number>();
  const groups: { members: number[]; updates: TensorId | null }[] = [];
  const groupAt = new Map<number, number>();
  const join = (group: number, index: number): void => {
    groups[group]!.members.push(index);
    groupAt.set(index, group);
    for (const id of ops[index]!.outputs) made.set(id, group);
  };
  ops.forEach((op, index) => {
    const target =
      followed(trace, op, made, groups, readers) ??
      (op.kind === 'update' ? updated(op, ops, made, groups, readers) : null) ??
      deltaOf(trace, op, groups, readers);
    if (target !== null) {
      join(target, index);
      if (op.kind === 'update') groups[target]!.updates = op.outputs[0]!;
      return;
    }
    groups.push({ members: [], updates: null });
    join(groups.length - 1, index);
  });
  return updatesFirst(trace, groups);
}

/** Updates by themselves follow what makes their operands, or the last that reads what they change: gradients are soon done with then. */
function updatesFirst({ ops }: Trace, groups: readonly Group[]): Group[] {
  const isUpdate = ({ members }: Group): boolean => members.every((index) => ops[index]!.kind === 'update');
  const lastUse = new Map<TensorId, number>();
  groups.forEach((group, index) => {
    if (isUpdate(group)) return;
    for (const member of group.members)
      for (const id of [...ops[member]!.inputs, ...ops[member]!.outputs]) lastUse.set(id, index);
  });
  const followers = groups.map((): Group[] => []);
  const ordered: Group[] = [];
  groups.forEach((group) => {
    if (!isUpdate(group)) return;
    const used = group.members.flatMap((member) => [...ops[member]!.inputs, ...ops[member]!.outputs]);
    const after = Math.max(0, ...used.map((id) => lastUse.get(id) ?? 0));
    // A product is long enough for what the update needs to be loaded beside it. Others are not: the update waits for one group more.
    const isLong = isContraction(ops[groups[after]!.members[0]!]!);
    followers[isLong ? after : Math.min(after + 1, groups.length - 1)]!.push(group);
  });
  groups.forEach((group, index) => {
    if (!isUpdate(group)) ordered.push(group);
    ordered.push(...followers[index]!);
  });
  return ordered;
}

function readersOf({ ops }: Trace): Map<TensorId, number[]> {
  const readers = new Map<TensorId, number[]>();
  ops.forEach(({ inputs }, index) => {
    for (const id of inputs) {
      const list = readers.get(id);
      if (list === undefined) readers.set(id, [index]);
      else list.push(index);
    }
  });
  return readers;
}

/**
 * An elementwise op that alone reads a result of a contraction's group, if its other operands were there before; of a sum, the result made
 * last. So gradients of a weight that is used many times are added up where they lie.
 */
function followed(
  { tensors, ops }: Trace,
  op: Op,
  made: ReadonlyMap<TensorId, number>,
  groups: readonly { readonly members: readonly number[] }[],
  readers: ReadonlyMap<TensorId, readonly number[]>,
): number | null {
  if (op.kind !== 'elementwise' || op.function === 'loss') return null;
  const madeIn = (id: TensorId): number => made.get(id) ?? -1;
  const operands =
    op.function === 'add' ? [...op.inputs].sort((left, right) => madeIn(right) - madeIn(left)) : op.inputs;
  const [first, ...others] = operands;
  const group = first === undefined ? -1 : madeIn(first);
  if (group === -1 || !isContraction(ops[groups[group]!.members[0]!]!)) return null;
  const alone = readers.get(first!)!.length === 1;
  const sameSize = elements(tensors[first!]!.shape) === elements(tensors[op.outputs[0]!]!.shape);
  const before = others.every((id) => madeIn(id) < group);
  return alone && sameSize && before ? group : null;
}

function isContraction(op: Op): boolean {
  return op.kind === 'matmul' || op.kind === 'conv';
}

/** A plain update whose gradient nothing else reads: the group that makes the gradient. */
function updated(
  op: UpdateOp,
  ops: readonly Op[],
  made: ReadonlyMap<TensorId, number>,
  groups: readonly { readonly members: readonly number[] }[],
  readers: ReadonlyMap<TensorId, readonly number[]>,
): number | null {
  const gradient = op.inputs.find((id) => made.has(id));
  if (gradient === undefined || op.sparse || !PLAIN.has(op.optimizer)) return null;
  const group = made.get(gradient)!;
  const maker = groups[group]!.members.find((index) => ops[index]!.outputs.includes(gradient))!;
  const isOwn = ops[maker]!.phase === 'weight-gradient' && isContraction(ops[maker]!);
  const readBefore = (readers.get(op.outputs[0]!) ?? []).every((index) => index < maker || ops[index] === op);
  return isOwn && readBefore && readers.get(gradient)!.length === 1 ? group : null;
}

/**
 * The weight gradient of one sample whose weight a delta pass reads for the same error: both go through the weights together, if the
 * weight is then changed in place and nothing reads it in between.
 */
function deltaOf(
  trace: Trace,
  op: Op,
  groups: readonly { readonly members: readonly number[]; readonly updates: TensorId | null }[],
  readers: ReadonlyMap<TensorId, readonly number[]>,
): number | null {
  const { ops } = trace;
  if (op.kind !== 'matmul' || op.phase !== 'weight-gradient' || op.k !== 1) return null;
  const error = op.inputs[1];
  const [reader, ...more] = readers.get(op.outputs[0]!) ?? [];
  const update = reader === undefined || more.length > 0 ? undefined : ops[reader];
  if (update?.kind !== 'update' || update.sparse || !PLAIN.has(update.optimizer)) return null;
  const weight = update.outputs[0]!;
  const lastReader = readers
    .get(weight)!
    .filter((index) => index !== reader)
    .at(-1);
  const delta = lastReader === undefined ? undefined : ops[lastReader];
  if (delta?.kind !== 'matmul' || delta.phase !== 'input-gradient' || delta.inputs[0] !== error) return null;
  const found = groups.findIndex(({ members }) => members[0] === lastReader);
  return found === -1 ? null : found;
}
