import type { ConvOp, Layout, MatmulOp, TensorId } from '../../trace/trace.ts';
import type { Partition, Placement, Split } from './partition.ts';

/** Split that the weight a gradient belongs to has, as far as known. */
export type Wanted = (gradient: TensorId) => Split;

type Side = 'batch' | 'm' | 'n' | 'k';

/** Where the sides of a matrix lie in its tensor. */
interface Geometry {
  readonly sideOf: (axis: Split | undefined) => Side | null;
  readonly axisOf: (side: Side) => Split;
}

function geometry(shape: readonly number[], rows: Side, columns: Side, batch: number, layout: Layout = {}): Geometry {
  const last = shape.length - 1;
  const sides = new Map<number, Side>();
  const [inner, outer] = layout.transposed === true ? [rows, columns] : [columns, rows];
  if (layout.heads !== undefined) sides.set(last, 'batch');
  else if (batch > 1)
    sides
      .set(last, inner)
      .set(last - 1, outer)
      .set(last - 2, 'batch');
  else {
    sides.set(last, inner);
    // Several leading axes are the rows of a product together: none of them can be cut alone.
    if (last === 1) sides.set(0, outer);
  }
  return {
    sideOf: (axis) => (axis === null || axis === undefined ? null : (sides.get(axis) ?? null)),
    axisOf: (side) => [...sides].find(([, of]) => of === side)?.[0] ?? null,
  };
}

/**
 * A product in parts: columns of the right operand, rows of the left one, matrices of the batch, or terms of the sums. An operand that
 * is cut already decides; a weight that is not is cut by columns, or along the sums where the left operand is cut so (Shoeybi 2019).
 * null: every rank does it all.
 */
export function splitMatmul(partition: Partition, op: MatmulOp, wanted: Wanted): Placement | null {
  const { ranks, trace } = partition;
  const [left, right] = op.inputs as [TensorId, TensorId];
  const result = op.outputs[0]!;
  const of = {
    left: geometry(partition.shape(left), 'm', 'k', op.batch, op.left),
    right: geometry(partition.shape(right), 'k', 'n', op.batch, op.right),
    result: geometry(partition.shape(result), 'm', 'n', op.batch, op.result),
  };
  const heads = [op.left, op.right, op.result].flatMap((layout) => layout?.heads ?? []);
  const attempt = (side: Side): Placement | null => {
    if (op[side] % ranks !== 0 || (side === 'batch' && heads.some((count) => count % ranks !== 0))) return null;
    const axes = {
      left: side === 'n' ? null : of.left.axisOf(side),
      right: side === 'm' ? null : of.right.axisOf(side),
      result: side === 'k' ? ('sum' as const) : of.result.axisOf(side),
    };
    const found = [side === 'n' || axes.left !== null, side === 'm' || axes.right !== null, axes.result !== null];
    const fits = (
      [
        [left, axes.left],
        [right, axes.right],
      ] as const
    ).every(([id, axis]) => axis === null || partition.divides(id, axis));
    if (found.includes(false) || !fits) return null;
    return { op: sized(op, side, ranks), inputs: [axes.left, axes.right], outputs: [axes.result] };
  };
  const [leftSplit, rightSplit] = [partition.splitOf(left), partition.splitOf(right)];
  const [leftSide, rightSide] = [of.left.sideOf(leftSplit), of.right.sideOf(rightSplit)];
  if (leftSide === 'batch' || rightSide === 'batch') return attempt('batch');
  // A weight stays where it is.
  if (trace.tensors[right]!.role === 'weight' && rightSide !== null) return attempt(rightSide);
  if (leftSide === 'k' || rightSide === 'k') return attempt('k');
  const toWeight = of.result.sideOf(wanted(result));
  if (toWeight !== null) return attempt(toWeight);
  const decided = leftSide ?? rightSide;
  if (decided !== null) return attempt(decided);
  return rightSplit === undefined ? (attempt('n') ?? attempt('k')) : null;
}

function sized(op: MatmulOp, side: Side, ranks: number): MatmulOp {
  const own = (layout: Layout | undefined): Layout | undefined =>
    side === 'batch' && layout?.heads !== undefined ? { ...layout, heads: layout.heads / ranks } : layout;
  const layouts = Object.fromEntries(
    (['left', 'right', 'result'] as const).flatMap((name) => (op[name] === undefined ? [] : [[name, own(op[name])]])),
  );
  return { ...op, ...layouts, [side]: op[side] / ranks };
}

type Channels = 'k' | 'c';

/** A convolution in parts: output channels, or input channels whose terms are summed; of a grouped one whole groups. null: all of it. */
export function splitConv(partition: Partition, op: ConvOp, wanted: Wanted): Placement | null {
  const { ranks } = partition;
  const [first, second] = op.inputs as [TensorId, TensorId];
  const result = op.outputs[0]!;
  const { phase } = op;
  const place = (x: Split, w: Split, y: Split | 'sum', sizes: Partial<ConvOp>): Placement => {
    const placed = { op: { ...op, ...sizes } };
    if (phase === 'forward') return { ...placed, inputs: [x, w], outputs: [y] };
    const whole = y === 'sum' ? null : y;
    if (phase === 'weight-gradient') return { ...placed, inputs: [x, whole], outputs: [w] };
    // Terms of the sum are now the output channels.
    return { ...placed, inputs: [whole, w], outputs: [x ?? 'sum'] };
  };
  if (op.groups > 1) {
    if (op.groups % ranks !== 0) return null;
    return place(1, 0, 1, { c: op.c / ranks, k: op.k / ranks, groups: op.groups / ranks });
  }
  const weight = phase === 'weight-gradient' ? wanted(result) : partition.splitOf(second);
  const input = phase === 'forward' ? partition.splitOf(first) : null;
  const divisible = (['k', 'c'] as const).filter((side) => op[side] % ranks === 0);
  const free: Channels | undefined =
    weight === undefined ? (input === 1 && divisible.includes('c') ? 'c' : divisible[0]) : undefined;
  const side = weight === 0 ? 'k' : weight === 1 ? 'c' : free;
  if (side === undefined) return null;
  if (side === 'k') return place(null, 0, 1, { k: op.k / ranks });
  return place(1, 1, phase === 'forward' ? 'sum' : null, { c: op.c / ranks });
}
