/**
 * How to walk over operands that lie differently in memory: `rows` rows of `length` elements. The dense side (the result, or for a
 * reduction the operand) is read from start to end; operand i of row r starts at `starts[i][r]` and steps by `steps[i]` elements.
 */
export interface Rows {
  readonly rows: number;
  readonly length: number;
  readonly starts: readonly Int32Array[];
  readonly steps: readonly number[];
}

/** Strides in elements of a dense tensor. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/**
 * Strides of an operand repeated to a larger shape: axes are matched from the last one, lengths of 1 and missing axes get stride 0.
 * An operand's axis may be longer (a table of positions of which the first are used). null: the shapes do not fit.
 */
export function repeatedStrides(shape: readonly number[], to: readonly number[]): number[] | null {
  const dense = denseStrides(shape);
  const skipped = to.length - shape.length;
  if (skipped < 0) return null;
  const strides = to.map((length, axis) => {
    const own = shape[axis - skipped] ?? 1;
    return own === 1 ? 0 : own >= length ? dense[axis - skipped]! : Number.NaN;
  });
  return strides.some(Number.isNaN) ? null : strides;
}

/** Joins axes that every operand walks through evenly; what is left of the last one is a row. */
export function planRows(shape: readonly number[], operands: readonly (readonly number[])[]): Rows {
  const lengths: number[] = [];
  const strides: number[][] = operands.map(() => []);
  shape.forEach((length, axis) => {
    if (length === 1) return;
    const last = lengths.length - 1;
    const even = last >= 0 && operands.every((operand, index) => strides[index]![last] === operand[axis]! * length);
    if (even) lengths[last] = lengths[last]! * length;
    else lengths.push(length);
    operands.forEach((operand, index) => {
      strides[index]![lengths.length - 1] = operand[axis]!;
    });
  });
  const length = lengths.pop() ?? 1;
  const steps = strides.map((own) => own[lengths.length] ?? 0);
  const rows = lengths.reduce((product, one) => product * one, 1);
  return { rows, length, steps, starts: strides.map((own) => rowStarts(lengths, own, rows)) };
}

/** Where each row begins, all outer axes counted through. */
function rowStarts(lengths: readonly number[], strides: readonly number[], rows: number): Int32Array {
  const starts = new Int32Array(rows);
  const position = lengths.map(() => 0);
  let start = 0;
  for (let row = 0; row < rows; row++) {
    starts[row] = start;
    for (let axis = lengths.length - 1; axis >= 0; axis--) {
      start += strides[axis]!;
      position[axis]!++;
      if (position[axis]! < lengths[axis]!) break;
      start -= strides[axis]! * lengths[axis]!;
      position[axis] = 0;
    }
  }
  return starts;
}
