import type { TraceBuilder } from '../trace/builder.ts';
import { elements } from '../trace/facts.ts';
import type { Op, TensorId } from '../trace/trace.ts';

/** Gradients while they are collected, from the end of the network to its start. */
export class Tape {
  /** Gradient of each tensor that has one so far. */
  private readonly gradients = new Map<TensorId, TensorId>();

  constructor(
    readonly builder: TraceBuilder,
    /** Tensors that depend on a weight: only their gradients are needed. */
    private readonly trained: ReadonlySet<TensorId>,
    /** Tables that are read once, by rows: the others' gradients are whole tensors. */
    private readonly sparse: ReadonlySet<TensorId>,
  ) {}

  /** Rows of a table that change, and which they are. */
  readonly rows = new Map<TensorId, { readonly gradient: TensorId; readonly indices: TensorId }>();

  needs(id: TensorId): boolean {
    return this.trained.has(id);
  }

  gradientOf(id: TensorId): TensorId | null {
    return this.gradients.get(id) ?? null;
  }

  isSparse(table: TensorId): boolean {
    return this.sparse.has(table);
  }

  contributeRows(table: TensorId, gradient: TensorId, indices: TensorId): void {
    this.rows.set(table, { gradient, indices });
  }

  /** Adds one reader's share to the gradient of a tensor; the second and later shares cost an addition. */
  contribute(id: TensorId, share: TensorId): void {
    const before = this.gradients.get(id);
    if (before === undefined) {
      this.gradients.set(id, share);
      return;
    }
    const name = `${this.builder.tensors[id]!.name}.gradient.sum`;
    this.gradients.set(
      id,
      this.gradientOp({ kind: 'elementwise', function: 'add', name, inputs: [before, share] }, id),
    );
  }

  /** Adds an op that computes a gradient with the shape of a tensor; `others` are results that exist already. */
  gradientOp(fields: Parameters<TraceBuilder['op']>[0], like: TensorId, others: readonly TensorId[] = []): TensorId {
    const { builder } = this;
    const tensor = builder.tensors[like]!;
    const dtype = tensor.role === 'weight' ? builder.precision.activations : tensor.dtype;
    const gradient = builder.tensor(`${tensor.name}.gradient`, tensor.shape, 'gradient', dtype);
    builder.push(fields, [gradient, ...others]);
    return gradient;
  }

  /** An op of the backward pass of `op`: same kind and sizes, other operands. */
  backward(op: Op, inputs: readonly TensorId[], like: TensorId, others: readonly TensorId[] = []): TensorId {
    const { id: _id, phase: _phase, outputs: _outputs, ...fields } = op;
    return this.gradientOp({ ...fields, name: `${op.name}.${this.builder.phase}`, inputs: [...inputs] }, like, others);
  }

  /** The gradient in the shape of the tensor it belongs to, where a view or a broadcast has changed it. */
  asShapeOf(gradient: TensorId, like: TensorId, name: string): TensorId {
    const { builder } = this;
    const [from, to] = [builder.shape(gradient), builder.shape(like)];
    if (from.join() === to.join()) return gradient;
    if (elements(from) === elements(to))
      return this.gradientOp({ kind: 'move', function: 'reshape', name: `${name}.reshape`, inputs: [gradient] }, like);
    const skipped = from.length - to.length;
    const axes = from.flatMap((length, axis) => (length !== (to[axis - skipped] ?? 1) ? [axis] : []));
    return this.gradientOp({ kind: 'reduce', function: 'sum', name: `${name}.sum`, inputs: [gradient], axes }, like);
  }
}
