import type { Random } from '../random.ts';
import type { Rows } from './rows.ts';
import type { Values } from './values.ts';

/** result = first op second; starts[0] and steps[0] walk the first operand, [1] the second. The first may be the result. */
export function addRows(walk: Rows, first: Values, second: Values, result: Values): void {
  const { rows, length, starts, steps } = walk;
  const [step0, step1] = steps as [number, number];
  for (let row = 0, at = 0; row < rows; row++) {
    let from0 = starts[0]![row]!;
    let from1 = starts[1]![row]!;
    for (let end = at + length; at < end; at++, from0 += step0, from1 += step1)
      result[at] = first[from0]! + second[from1]!;
  }
}

export function subtractRows(walk: Rows, first: Values, second: Values, result: Values): void {
  const { rows, length, starts, steps } = walk;
  const [step0, step1] = steps as [number, number];
  for (let row = 0, at = 0; row < rows; row++) {
    let from0 = starts[0]![row]!;
    let from1 = starts[1]![row]!;
    for (let end = at + length; at < end; at++, from0 += step0, from1 += step1)
      result[at] = first[from0]! - second[from1]!;
  }
}

export function multiplyRows(walk: Rows, first: Values, second: Values, result: Values): void {
  const { rows, length, starts, steps } = walk;
  const [step0, step1] = steps as [number, number];
  for (let row = 0, at = 0; row < rows; row++) {
    let from0 = starts[0]![row]!;
    let from1 = starts[1]![row]!;
    for (let end = at + length; at < end; at++, from0 += step0, from1 += step1)
      result[at] = first[from0]! * second[from1]!;
  }
}

export function scale(factor: number, operand: Values, result: Values): void {
  for (let index = 0; index < result.length; index++) result[index] = operand[index]! * factor;
}

/**
 * Causal mask over square or oblong matrices [..., rows, columns]: what lies right of the diagonal (column > row) becomes `hidden`,
 * -Infinity for scores and 0 for their gradients.
 */
export function mask(hidden: number, rows: number, columns: number, operand: Values, result: Values): void {
  for (let at = 0, row = 0; at < result.length; row = (row + 1) % rows) {
    for (let column = 0; column < columns; column++, at++) result[at] = column > row ? hidden : operand[at]!;
  }
}

/** Draws which elements are kept, each with the given chance, and scales those by its inverse (inverted dropout). */
export function drawDropout(
  keptShare: number,
  random: Random,
  kept: Uint8Array,
  operand: Values,
  result: Values,
): void {
  const factor = 1 / keptShare;
  for (let index = 0; index < result.length; index++) {
    kept[index] = random.uniform() < keptShare ? 1 : 0;
    result[index] = kept[index] === 1 ? operand[index]! * factor : 0;
  }
}

/** The gradient of dropout passes where the forward pass kept. */
export function repeatDropout(keptShare: number, kept: Uint8Array, gradient: Values, result: Values): void {
  const factor = 1 / keptShare;
  for (let index = 0; index < result.length; index++) result[index] = kept[index] === 1 ? gradient[index]! * factor : 0;
}
