import { denseStrides, type Rows } from './rows.ts';
import type { Values } from './values.ts';

/**
 * Strides of a reduced tensor along the axes of the whole one, 0 where summed. The reduced shape may keep summed axes with length 1,
 * lack them, or be longer in its first axis (a table of positions of which the first were used). null: the shapes do not fit.
 */
export function reducedStrides(
  whole: readonly number[],
  reduced: readonly number[],
  axes: readonly number[],
): number[] | null {
  const dense = denseStrides(reduced);
  const strides = whole.map(() => 0);
  let at = reduced.length - 1;
  for (let axis = whole.length - 1; axis >= 0; axis--) {
    if (axes.includes(axis)) {
      if (reduced.length === whole.length) at--;
      continue;
    }
    const own = at >= 0 ? reduced[at]! : 1;
    if (own < whole[axis]!) return null;
    if (whole[axis]! > 1) strides[axis] = dense[at]!;
    at--;
  }
  return strides;
}

/** result = factor * sum of the operand over its reduced axes; the walk is over the operand, starts[0] and steps[0] in the result. */
export function sumRows(walk: Rows, factor: number, operand: Values, result: Values): void {
  const { rows, length, starts, steps } = walk;
  const step = steps[0]!;
  result.fill(0);
  for (let row = 0, from = 0; row < rows; row++) {
    let to = starts[0]![row]!;
    const end = from + length;
    if (step === 0) {
      let sum = 0;
      for (; from < end; from++) sum += operand[from]!;
      result[to] = result[to]! + sum;
    } else {
      for (; from < end; from++, to += step) result[to] = result[to]! + operand[from]!;
    }
  }
  if (factor !== 1) for (let index = 0; index < result.length; index++) result[index] = result[index]! * factor;
}

/** The gradient of a reduction: factor * the gradient, repeated along the reduced axes. */
export function repeatRows(walk: Rows, factor: number, gradient: Values, result: Values): void {
  const { rows, length, starts, steps } = walk;
  const step = steps[0]!;
  for (let row = 0, to = 0; row < rows; row++) {
    let from = starts[0]![row]!;
    for (const end = to + length; to < end; to++, from += step) result[to] = gradient[from]! * factor;
  }
}
