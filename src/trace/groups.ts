import type { Op, TensorId, Trace } from './trace.ts';

/** Ops that one call to a library covers: a leading op, and what is applied to its results before they are stored. */
export interface Group {
  /** Indices into `trace.ops`, the leading op first. */
  readonly members: number[];
  /** Tensors read besides the leading op's own, each as its results are stored. */
  readonly extraReads: TensorId[];
  /** Tensors the leading op makes, the first of them replaced by what came of it last. */
  writes: readonly TensorId[];
}

/** Layouts that kernels reach by addressing alone; results are written where the whole will lie. */
const VIEWS: ReadonlySet<string> = new Set(['concat', 'split', 'reshape', 'delay']);

export function isView(op: Op): boolean {
  return op.kind === 'move' && VIEWS.has(op.function);
}

/** Statistics that are known make normalisation a scale and a shift. */
function isPointwise(op: Op, training: boolean): boolean {
  if (op.kind === 'elementwise') return op.function !== 'loss';
  return op.kind === 'norm' && !training && ['batch', 'batch-renorm', 'online', 'weight'].includes(op.function);
}

/**
 * Groups in program order. An elementwise op joins the op before it if nobody else reads what that one made, as epilogues of products and
 * fused elementwise kernels do; tensors it reads besides must be there already.
 */
export function groupOps(trace: Trace): Group[] {
  const training = trace.workload.phase === 'training';
  const readers = new Int32Array(trace.tensors.length);
  for (const op of trace.ops) for (const id of new Set(op.inputs)) readers[id]!++;
  const madeBy = new Map<TensorId, Group>();
  const exchanged = new Set<TensorId>();
  const groups: Group[] = [];
  trace.ops.forEach((op, index) => {
    if (isView(op)) return;
    const [first, ...others] = op.inputs;
    const host = first === undefined ? undefined : madeBy.get(first);
    const onlyWeights = others.every(
      (id) => ['weight', 'state'].includes(trace.tensors[id]!.role) && !exchanged.has(id),
    );
    const joins =
      host !== undefined &&
      readers[first!] === 1 &&
      op.outputs.length === 1 &&
      isPointwise(op, training) &&
      (onlyWeights || host === groups.at(-1));
    if (joins) {
      host.members.push(index);
      host.extraReads.push(...others);
      host.writes = [op.outputs[0]!, ...host.writes.slice(1)];
      madeBy.delete(first!);
      madeBy.set(op.outputs[0]!, host);
      return;
    }
    const group: Group = { members: [index], extraReads: [], writes: op.outputs };
    groups.push(group);
    if (op.kind === 'collective') for (const id of op.outputs) exchanged.add(id);
    else if (op.kind !== 'update' && op.outputs[0] !== undefined) madeBy.set(op.outputs[0], group);
  });
  return groups;
}
