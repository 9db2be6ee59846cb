import { InputError } from '../errors.ts';
import { elements, macs } from './facts.ts';
import type { DType, Op, Phase, Precision, Tensor, TensorId, TensorRole, Trace } from './trace.ts';

/** Ops a trace may have. */
export const MAX_OPS = 200_000;
/** Elements a tensor may have; beyond it sizes in bits are no longer exact in a double. */
export const MAX_ELEMENTS = 2 ** 46;

type Shape = readonly number[];
/** Omits the bookkeeping fields from each kind of op separately, so that the union stays a union. */
export type OpFields = Op extends infer O ? (O extends Op ? Omit<O, 'id' | 'phase' | 'outputs'> : never) : never;

/** Collects tensors and ops in the order in which they can run; all shapes with the batch first. */
export class TraceBuilder {
  readonly tensors: Tensor[] = [];
  readonly ops: Op[] = [];
  private totalMacs = 0;
  private readonly weights = new Map<string, TensorId>();
  precision: Precision;
  /** Phase of the ops that are added. */
  phase: Phase = 'forward';

  constructor(
    readonly batch: number,
    readonly defaultPrecision: Precision,
  ) {
    this.precision = defaultPrecision;
  }

  /** Goes on where a trace ends. */
  static continuing(trace: Trace, precision: Precision): TraceBuilder {
    const builder = new TraceBuilder(trace.workload.batch, precision);
    builder.tensors.push(...trace.tensors);
    builder.ops.push(...trace.ops);
    return builder;
  }

  shape(id: TensorId): Shape {
    return this.tensors[id]!.shape;
  }

  tensor(name: string, shape: Shape, role: TensorRole, dtype: DType): TensorId {
    if (elements(shape) > MAX_ELEMENTS)
      throw InputError.of(name, `a tensor of shape [${shape.join(', ')}]`, `use at most ${MAX_ELEMENTS} elements`);
    this.tensors.push({ name, shape, role, dtype });
    return this.tensors.length - 1;
  }

  /** A trained parameter; asked for twice by the same name it is shared, also transposed (an embedding used as output layer). */
  weight(name: string, shape: Shape): TensorId {
    const known = this.weights.get(name);
    if (known !== undefined) {
      const has = this.shape(known);
      const transposed = has.length === 2 && shape.length === 2 && has[0] === shape[1] && has[1] === shape[0];
      if (has.join() !== shape.join() && !transposed)
        throw InputError.of(
          name,
          `shared weights have shape [${has.join(', ')}], here [${shape.join(', ')}]`,
          'share between layers of one shape',
        );
      return known;
    }
    const { weights, activations } = this.precision;
    // Ternary networks keep biases and norms in the format of what they are applied to (Li 2016).
    const id = this.tensor(name, shape, 'weight', weights === 'ternary' && shape.length === 1 ? activations : weights);
    this.weights.set(name, id);
    return id;
  }

  /** Adds an op with one result of the given shape; returns the result. */
  op(fields: OpFields, shape: Shape): TensorId {
    return this.push(fields, [this.tensor(fields.name, shape, 'activation', this.precision.activations)])[0]!;
  }

  /** Cuts a tensor along an axis into parts of the given shapes, one op for all of them. */
  split(name: string, input: TensorId, axis: number, shapes: readonly Shape[]): TensorId[] {
    const outputs = shapes.map((shape, part) =>
      this.tensor(`${name}.${part}`, shape, 'activation', this.precision.activations),
    );
    return this.push({ kind: 'move', function: 'split', name, inputs: [input], axis, start: 0 }, outputs);
  }

  /** The same elements in another shape. */
  reshape(name: string, input: TensorId, shape: Shape): TensorId {
    return this.op({ kind: 'move', function: 'reshape', name, inputs: [input] }, shape);
  }

  /** Adds an op whose results are tensors that exist already. */
  push(fields: OpFields, outputs: TensorId[]): TensorId[] {
    if (this.ops.length >= MAX_OPS)
      throw InputError.of(
        fields.name,
        `the trace has more than ${MAX_OPS} ops`,
        'use a smaller network or fewer steps',
      );
    const op = { ...fields, id: String(this.ops.length), phase: this.phase, outputs } as Op;
    this.totalMacs += macs(op);
    if (this.totalMacs > Number.MAX_SAFE_INTEGER)
      throw InputError.of(fields.name, 'more than 2^53 MACs', 'use smaller sizes or a smaller batch');
    this.ops.push(op);
    return outputs;
  }
}
