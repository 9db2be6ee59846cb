import type { Values } from './values.ts';

/** `picks` rows of `width` elements for each of the results; more than one is summed up (an embedding bag). */
export interface GatherSizes {
  readonly width: number;
  readonly picks: number;
}

/** Index of the first entry that is no row of a table, null if all are. */
export function wrongRow(indices: Values, rows: number): number | null {
  const at = indices.findIndex((index: number) => !(Number.isInteger(index) && index >= 0 && index < rows));
  return at < 0 ? null : at;
}

export function gather({ width, picks }: GatherSizes, table: Values, indices: Values, result: Values): void {
  if (picks > 1) result.fill(0);
  for (let pick = 0; pick < indices.length; pick++) {
    const from = indices[pick]! * width;
    const to = Math.floor(pick / picks) * width;
    for (let column = 0; column < width; column++) {
      const value = table[from + column]!;
      result[to + column] = picks > 1 ? result[to + column]! + value : value;
    }
  }
}

/** Gradient of the whole table: every picked row gets the gradient of the result it went into. */
export function scatter({ width, picks }: GatherSizes, gradient: Values, indices: Values, table: Values): void {
  table.fill(0);
  for (let pick = 0; pick < indices.length; pick++) {
    const to = indices[pick]! * width;
    const from = Math.floor(pick / picks) * width;
    for (let column = 0; column < width; column++) table[to + column] = table[to + column]! + gradient[from + column]!;
  }
}

/**
 * The same for few rows of a large table: sums land in `sums`, one row for each different index in order of first use, `rowOf` says
 * which row of the table that is. `slots` has an entry a row of the table, all -1, and is left so. Returns how many rows there are.
 */
export function scatterRows(
  { width, picks }: GatherSizes,
  gradient: Values,
  indices: Values,
  slots: Int32Array,
  rowOf: Int32Array,
  sums: Values,
): number {
  let count = 0;
  for (let pick = 0; pick < indices.length; pick++) {
    const row = indices[pick]!;
    if (slots[row] === -1) {
      slots[row] = count;
      rowOf[count] = row;
      sums.fill(0, count * width, (count + 1) * width);
      count++;
    }
    const to = slots[row]! * width;
    const from = Math.floor(pick / picks) * width;
    for (let column = 0; column < width; column++) sums[to + column] = sums[to + column]! + gradient[from + column]!;
  }
  for (let slot = 0; slot < count; slot++) slots[rowOf[slot]!] = -1;
  return count;
}
