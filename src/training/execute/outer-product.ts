import type { Contractions, Matrix } from '../../numerics/ops/contraction.ts';
import type { Values } from '../../numerics/ops/values.ts';
import type { MatmulOp, Op, TensorId, Trace } from '../../trace/trace.ts';
import { notFinite } from './finite.ts';

/** Elements computed at a time, 32 KiB in single precision: they stay in a near cache until the update has read them. */
const BLOCK_ELEMENTS = 8192;
/** Factors whose largest product is not above this have finite products only, in single and in double precision. */
const LARGEST_SINGLE = (2 - 2 ** -23) * 2 ** 127;

/**
 * Gradients that need not be stored, by id: matrices that are a column times a row, as those of one sample are, and that an update alone
 * reads. The update computes them itself, a few rows at a time, so that memory moves the weights and nothing else as large.
 */
export function outerProducts({ ops }: Trace): Map<TensorId, MatmulOp> {
  const found = new Map<TensorId, MatmulOp>();
  ops.forEach((op, made) => {
    if (op.kind !== 'matmul' || op.phase !== 'weight-gradient' || op.batch !== 1 || op.k !== 1) return;
    const gradient = op.outputs[0]!;
    const readers = ops.flatMap(({ inputs }, index) => (inputs.includes(gradient) ? [index] : []));
    const [read] = readers;
    if (read === undefined || readers.length > 1 || !takesBlocks(ops[read]!)) return;
    const changes = ops.slice(made + 1, read).some(({ outputs }) => outputs.some((id) => op.inputs.includes(id)));
    if (!changes) found.set(gradient, op);
  });
  return found;
}

/** Updates that can go block by block: lars needs the norm of the whole gradient first. */
function takesBlocks(op: Op): boolean {
  return op.kind === 'update' && !op.sparse && op.optimizer !== 'lars';
}

/** A gradient [rows, columns] as the product of its factors. */
export class OuterProduct {
  /** Where `compute` puts a block; as long as all of them but the last. */
  readonly block: Values;
  readonly blocks: number;
  readonly elements: number;
  private readonly rowsOfBlock: number;
  private readonly column: Matrix;
  private readonly row: Matrix;
  private readonly result: Matrix;

  /** The factors are live: they are read when a block is computed. */
  constructor(
    { m, n, result, inputs }: MatmulOp,
    values: readonly Values[],
    private readonly contractions: Contractions,
  ) {
    const factors = inputs.map((id) => values[id]!);
    const [columnValues, rowValues] = (result?.transposed ? factors.reverse() : factors) as [Values, Values];
    const [rows, columns] = result?.transposed ? [n, m] : [m, n];
    this.rowsOfBlock = Math.min(rows, Math.max(1, Math.floor(BLOCK_ELEMENTS / columns)));
    this.elements = rows * columns;
    this.blocks = Math.ceil(rows / this.rowsOfBlock);
    this.block = contractions.allocate(this.rowsOfBlock * columns);
    this.column = { values: columnValues, offset: 0, leadingDimension: 1, transposed: false };
    this.row = { values: rowValues, offset: 0, leadingDimension: columns, transposed: false };
    this.result = { ...this.row, values: this.block };
  }

  /** Computes a block; how many elements it has. */
  compute(index: number): number {
    const { column, row, result, rowsOfBlock } = this;
    const columns = row.leadingDimension;
    column.offset = index * rowsOfBlock;
    const rows = Math.min(rowsOfBlock, column.values.length - column.offset);
    this.contractions.gemm(rows, columns, 1, column, row, result, 0);
    return rows * columns;
  }

  /** The first element that is NaN or infinite; null if all are finite, which the factors' largest elements nearly always tell. */
  notFinite(): number | null {
    if (largest(this.column.values) * largest(this.row.values) <= LARGEST_SINGLE) return null;
    for (let index = 0; index < this.blocks; index++) {
      const found = notFinite(this.block.subarray(0, this.compute(index)));
      if (found !== null) return found;
    }
    return null;
  }
}

/** The largest magnitude; NaN if there is one. */
function largest(values: Values): number {
  let found = 0;
  for (let index = 0; index < values.length; index++) found = Math.max(found, Math.abs(values[index]!));
  return found;
}
