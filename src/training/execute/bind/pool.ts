import {
  averagePool,
  averagePoolGradient,
  maxPool,
  maxPoolGradient,
  type PoolSizes,
} from '../../../numerics/ops/pool.ts';
import { planRows } from '../../../numerics/ops/rows.ts';
import { reducedStrides, repeatRows, sumRows } from '../../../numerics/ops/reduce.ts';
import type { PoolOp, ReduceOp } from '../../../trace/trace.ts';
import { misfit, type Runner, refusal, shapeOf, type Workspace } from '../workspace.ts';

/** input-gradient: [gradient, operand] for the maximum, [gradient] for the average. */
export function bindPool(op: PoolOp, workspace: Workspace): Runner {
  const [first, operand] = op.inputs.map((id) => workspace.values[id]!);
  const result = workspace.values[op.outputs[0]!]!;
  const backward = op.phase === 'input-gradient';
  const [small, large] = backward ? [op.inputs[0]!, op.outputs[0]!] : [op.outputs[0]!, op.inputs[0]!];
  const [samples, channels, height, width] = shapeOf(workspace, large);
  const [, , outHeight, outWidth] = shapeOf(workspace, small);
  if (width === undefined || outWidth === undefined) throw misfit(workspace, op);
  const { window, stride, padding } = op;
  const planes = samples! * channels!;
  const sizes: PoolSizes = { planes, height: height!, width, outHeight: outHeight!, outWidth, window, stride, padding };
  if (op.function === 'average')
    return backward ? () => averagePoolGradient(sizes, first!, result) : () => averagePool(sizes, first!, result);
  if (!backward) return () => maxPool(sizes, first!, result);
  if (operand === undefined) throw misfit(workspace, op);
  return () => maxPoolGradient(sizes, first!, operand, result);
}

/**
 * Sums over axes; in the backward pass also of what was repeated, so that the sizes tell whether an op sums or repeats: the larger side,
 * or over axes of length 1 the one with more axes, is the whole tensor.
 */
export function bindReduce(op: ReduceOp, workspace: Workspace): Runner {
  if (op.function !== 'sum' && op.function !== 'mean') throw refusal(op, `reduce ${op.function}`);
  const [from, to] = [workspace.values[op.inputs[0]!]!, workspace.values[op.outputs[0]!]!];
  const moreAxes = shapeOf(workspace, op.outputs[0]!).length > shapeOf(workspace, op.inputs[0]!).length;
  const repeats = op.phase === 'input-gradient' && (from.length < to.length || (from.length === to.length && moreAxes));
  const [whole, reduced] = repeats ? [op.outputs[0]!, op.inputs[0]!] : [op.inputs[0]!, op.outputs[0]!];
  const shape = shapeOf(workspace, whole);
  const strides = reducedStrides(shape, shapeOf(workspace, reduced), op.axes);
  if (strides === null) throw misfit(workspace, op);
  const walk = planRows(shape, [strides]);
  const count = op.axes.reduce((product, axis) => product * shape[axis]!, 1);
  const factor = op.function === 'mean' ? 1 / count : 1;
  return repeats ? () => repeatRows(walk, factor, from, to) : () => sumRows(walk, factor, from, to);
}
