import type { Values } from '../../numerics/ops/values.ts';
import type { MatmulOp, Op, TensorId, Trace } from '../../trace/trace.ts';

/** Factors whose largest product is not above this have finite products only. */
const LARGEST_SINGLE = (2 - 2 ** -23) * 2 ** 127;

/**
 * Gradients that need not be stored, by id: matrices that are a column times a row, as those of one sample are, and that plain descent
 * alone reads. The update multiplies as it goes, so that memory moves the weights and nothing else as large.
 */
export function outerProducts({ ops }: Trace): Map<TensorId, MatmulOp> {
  const found = new Map<TensorId, MatmulOp>();
  ops.forEach((op, made) => {
    if (op.kind !== 'matmul' || op.phase !== 'weight-gradient' || op.batch !== 1 || op.k !== 1) return;
    const gradient = op.outputs[0]!;
    const readers = ops.flatMap(({ inputs }, index) => (inputs.includes(gradient) ? [index] : []));
    const [read] = readers;
    if (read === undefined || readers.length > 1 || !isPlainDescent(ops[read]!)) return;
    const changes = ops.slice(made + 1, read).some(({ outputs }) => outputs.some((id) => op.inputs.includes(id)));
    if (!changes) found.set(gradient, op);
  });
  return found;
}

function isPlainDescent(op: Op): boolean {
  return op.kind === 'update' && !op.sparse && (op.optimizer === 'gd' || op.optimizer === 'sgd');
}

/** A gradient as its factors, in single precision: element [i, j] is column[i] row[j]. */
export interface OuterProduct {
  readonly column: Values;
  readonly row: Values;
}

/** The factors of a product, live; a result that is stored transposed has them exchanged. */
export function factorsOf({ inputs, result }: MatmulOp, values: readonly Values[]): OuterProduct {
  const [left, right] = [values[inputs[0]!]!, values[inputs[1]!]!];
  return result?.transposed === true ? { column: right, row: left } : { column: left, row: right };
}

/** The first element that is NaN or infinite; null if all are finite, which the largest factors nearly always tell. */
export function notFiniteProduct({ column, row }: OuterProduct): number | null {
  if (largest(column) * largest(row) <= LARGEST_SINGLE) return null;
  for (const left of column)
    for (const right of row) {
      const product = Math.fround(left * right);
      if (!Number.isFinite(product)) return product;
    }
  return null;
}

/** The largest magnitude; NaN if there is one. */
function largest(values: Values): number {
  let found = 0;
  for (let index = 0; index < values.length; index++) found = Math.max(found, Math.abs(values[index]!));
  return found;
}
