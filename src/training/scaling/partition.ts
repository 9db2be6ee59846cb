import { TraceBuilder } from '../../trace/builder.ts';
import type { Op, TensorId, Trace } from '../../trace/trace.ts';

/** The axis along which a tensor is cut into equal parts, one a rank; null: every rank has all of it. */
export type Split = number | null;

/** How one rank does its part of an op. */
export interface Placement {
  /** The op with the sizes of one rank. */
  readonly op: Op;
  readonly inputs: readonly Split[];
  /** sum: every rank has a term of the result. */
  readonly outputs: readonly (Split | 'sum')[];
}

/** The tensors of a trace while it is rewritten for the first of several ranks, and the ops that bring them into other splits. */
export class Partition {
  readonly builder: TraceBuilder;
  private readonly splits = new Map<TensorId, Split>();
  /** Tensor of the new trace for each of the old one in each split it is needed in. */
  private readonly versions = new Map<string, TensorId>();

  constructor(
    readonly trace: Trace,
    readonly ranks: number,
  ) {
    this.builder = new TraceBuilder(trace.workload.batch, { weights: 'fp32', activations: 'fp32' });
    trace.tensors.forEach(({ role }, id) => {
      if (role === 'input') this.declare(id, null);
    });
  }

  shape(id: TensorId): readonly number[] {
    return this.trace.tensors[id]!.shape;
  }

  /** How a tensor was made; undefined: a weight or state that nothing has read yet, which may be cut in any way. */
  splitOf(id: TensorId): Split | undefined {
    return this.splits.get(id);
  }

  divides(id: TensorId, axis: number): boolean {
    const length = this.shape(id)[axis];
    return length !== undefined && length % this.ranks === 0;
  }

  /** Adds one rank's part of an op, and what has to be exchanged before and after it. */
  place({ op, inputs, outputs }: Placement): void {
    const { builder } = this;
    const operands = op.inputs.map((id, place) => this.as(id, inputs[place]!));
    const terms: [TensorId, TensorId][] = [];
    const results = op.outputs.map((id, place) => {
      const split = outputs[place]!;
      if (split !== 'sum') return this.declare(id, split);
      const { name, shape, role, dtype } = this.trace.tensors[id]!;
      const term = builder.tensor(`${name}.term`, shape, role, dtype);
      terms.push([id, term]);
      return term;
    });
    builder.phase = op.phase;
    builder.push({ ...op, inputs: operands }, results);
    for (const [id, term] of terms) this.exchange('all-reduce', term, this.declare(id, null));
  }

  private exchange(kind: 'all-reduce' | 'all-gather', input: TensorId, output: TensorId): void {
    const { builder, ranks } = this;
    builder.phase = 'communicate';
    const name = `${builder.tensors[output]!.name}.${kind}`;
    builder.push({ kind: 'collective', function: kind, name, ranks, inputs: [input] }, [output]);
  }

  /** The tensor that stands for `id` in a split: as it is made, or once more if it is made in another. */
  private declare(id: TensorId, split: Split): TensorId {
    if (!this.splits.has(id)) this.splits.set(id, split);
    return this.version(id, split);
  }

  private version(id: TensorId, split: Split): TensorId {
    const key = `${id} ${split}`;
    const known = this.versions.get(key);
    if (known !== undefined) return known;
    const { name, shape, role, dtype } = this.trace.tensors[id]!;
    const own = shape.map((length, axis) => (axis === split ? length / this.ranks : length));
    // Weights and inputs are there in one split; others are made from it.
    const made = this.splits.get(id) === split ? role : 'activation';
    const tensor = this.builder.tensor(name, own, made, dtype);
    this.versions.set(key, tensor);
    return tensor;
  }

  private as(id: TensorId, split: Split): TensorId {
    const has = this.splits.get(id);
    if (has === undefined || has === split) return this.declare(id, split);
    if (this.versions.has(`${id} ${split}`)) return this.version(id, split);
    if (has !== null && split !== null) this.as(id, null);
    const from = this.version(id, has === null || split === null ? has : null);
    const to = this.version(id, split);
    if (split === null) this.exchange('all-gather', from, to);
    else this.cut(from, to, split);
    return to;
  }

  /** A rank takes its own part of what it has whole. */
  private cut(from: TensorId, to: TensorId, axis: number): void {
    const { builder } = this;
    builder.phase = 'communicate';
    const name = `${builder.tensors[to]!.name}.part`;
    builder.push({ kind: 'move', function: 'split', name, inputs: [from], axis, start: 0 }, [to]);
  }
}
