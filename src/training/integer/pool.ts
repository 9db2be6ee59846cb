import { type Dyadic, toDyadic } from '../../numerics/integer/dyadic.ts';
import type { PoolOp, ReduceOp } from '../../trace/trace.ts';
import type { Runner } from '../execute/workspace.ts';
import { type IntegerWorkspace, narrow, notInIntegers, operand, type Operand } from './integers.ts';

/** Greatest integers of windows, or their means; positions outside the map do not count. */
export function bindIntegerPool(op: PoolOp, workspace: IntegerWorkspace): Runner {
  const [from, to] = [operand(workspace, op.inputs[0]!), operand(workspace, op.outputs[0]!)];
  const [, , height, width] = from.shape as [number, number, number, number];
  const [, , outHeight, outWidth] = to.shape as [number, number, number, number];
  const factors = op.function === 'max' ? null : meanFactors(from, to, op.window[0] * op.window[1]);
  return () => {
    for (let at = 0; at < to.integers.length; at++) {
      const plane = Math.floor(at / (outHeight * outWidth)) * height * width;
      const top = (Math.floor(at / outWidth) % outHeight) * op.stride[0] - op.padding[0];
      const left = (at % outWidth) * op.stride[1] - op.padding[1];
      let [greatest, sum, count] = [from.grid.lowest, 0, 0];
      for (let y = Math.max(top, 0); y < Math.min(top + op.window[0], height); y++)
        for (let x = Math.max(left, 0); x < Math.min(left + op.window[1], width); x++) {
          const integer = from.integers[plane + y * width + x]!;
          if (integer > greatest) greatest = integer;
          sum += integer - from.grid.zeroPoint;
          count++;
        }
      to.integers[at] = factors === null ? greatest : narrow(sum, factors[count]!, to.grid);
    }
  };
}

/** Means or sums over the last axes, which are all that a pooling over whole maps has. */
export function bindIntegerReduce(op: ReduceOp, workspace: IntegerWorkspace): Runner {
  const [from, to] = [operand(workspace, op.inputs[0]!), operand(workspace, op.outputs[0]!)];
  const axes = op.axes.toSorted((left, right) => left - right);
  const last = axes.every((axis, index) => axis === from.shape.length - axes.length + index);
  if (!last || (op.function !== 'mean' && op.function !== 'sum')) throw notInIntegers(op, `reduce ${op.function}`);
  const count = from.integers.length / to.integers.length;
  const factor =
    op.function === 'mean' ? meanFactors(from, to, count)[count]! : toDyadic(from.grid.scale / to.grid.scale);
  return () => {
    for (let at = 0; at < to.integers.length; at++) {
      let sum = 0;
      for (let index = at * count; index < (at + 1) * count; index++)
        sum += from.integers[index]! - from.grid.zeroPoint;
      to.integers[at] = narrow(sum, factor, to.grid);
    }
  };
}

/** What a sum of 0, 1, 2 ... integers is multiplied by to give their mean. */
function meanFactors(from: Operand, to: Operand, most: number): Dyadic[] {
  return Array.from({ length: most + 1 }, (_, count) =>
    toDyadic(from.grid.scale / (to.grid.scale * Math.max(1, count))),
  );
}
