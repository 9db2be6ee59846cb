import type { Layout, MatmulOp } from '../../trace/trace.ts';
import type { Contractions, Matrix } from './contraction.ts';
import type { Values } from './values.ts';

type MatmulSizes = Pick<MatmulOp, 'batch' | 'm' | 'n' | 'k' | 'left' | 'right' | 'result'>;

/** One operand of a batch of products, as its layout has it. */
class Operand {
  readonly matrix: Matrix;
  private readonly heads: number;
  private readonly columns: number;
  private readonly groupElements: number;

  /** `rows` and `columns` are those of the matrix in the product, before any exchange. */
  constructor(values: Values, rows: number, columns: number, layout: Layout | undefined) {
    const transposed = layout?.transposed === true;
    this.heads = layout?.heads ?? 1;
    this.columns = transposed ? rows : columns;
    const leadingDimension = this.columns * this.heads;
    this.groupElements = (transposed ? columns : rows) * leadingDimension;
    this.matrix = { values, offset: 0, leadingDimension, transposed };
  }

  /** The matrix of one product of the batch; heads lie side by side in the rows of one group. */
  of(index: number): Matrix {
    this.matrix.offset = Math.floor(index / this.heads) * this.groupElements + (index % this.heads) * this.columns;
    return this.matrix;
  }
}

/** A batch of matrix products on given arrays, ready to run; nothing is copied, layouts are walked as they are. */
export function bindMatmul(
  sizes: MatmulSizes,
  contractions: Contractions,
  left: Values,
  right: Values,
  result: Values,
): () => void {
  const { batch, m, n, k } = sizes;
  const [a, b] = [new Operand(left, m, k, sizes.left), new Operand(right, k, n, sizes.right)];
  const c = new Operand(result, m, n, sizes.result);
  if (!c.matrix.transposed)
    return () => {
      for (let index = 0; index < batch; index++) contractions.gemm(m, n, k, a.of(index), b.of(index), c.of(index), 0);
    };
  // C^T = B^T A^T: a transposed result is a plain one of exchanged, transposed operands.
  for (const operand of [a, b]) operand.matrix.transposed = !operand.matrix.transposed;
  c.matrix.transposed = false;
  return () => {
    for (let index = 0; index < batch; index++) contractions.gemm(n, m, k, b.of(index), a.of(index), c.of(index), 0);
  };
}
