import type { MatmulOp } from '../../../trace/trace.ts';
import type { CacheSizes } from '../units/caches.ts';
import { linesOf } from '../units/caches.ts';
import { SUM_BITS, tileLoop } from './gemm-code.ts';
import type { Origin, Product } from './gemm.ts';
import type { GemmLibrary } from './library.ts';
import { productNests } from './product.ts';
import { dealt, scaled, type Way } from './way.ts';

/** A product of a trace as BLAS computes it: by rows is by columns with the operands exchanged. */
export function productOf(op: MatmulOp, elementBytes: number, sumBytes: number): Product {
  return {
    m: op.n,
    n: op.m,
    k: op.k,
    transA: op.right?.transposed === true,
    transB: op.left?.transposed === true,
    elementBytes,
    sumBytes,
  };
}

/**
 * Ways to compute `batch` products on so many cores: each core whole products, or a part of the rows and columns of every one.
 * `cachesOf` gives the caches while so many cores are at work.
 */
export function productWays(
  product: Product,
  batch: number,
  library: GemmLibrary,
  cachesOf: (active: number) => CacheSizes,
  origin: Origin,
  cores: number,
): Way[] {
  if (Math.min(product.m, product.n) === 1) return [matrixVector(product, batch, library, origin, cores)];
  const ways: Way[] = [];
  if (batch > 1) {
    const active = Math.min(cores, batch);
    const perCore = Math.ceil(batch / active);
    const nests = productNests(product, library, cachesOf(active), origin);
    ways.push({ nests: nests.map((nest) => scaled(nest, perCore)), active, share: batch / perCore });
  }
  const { rowUnit } = library.blocking;
  const columnUnit = library.blocking.columns.find((width) => width <= 4)!;
  for (let across = 1; across <= cores; across += 1) {
    if (cores % across !== 0) continue;
    const part: Product = {
      ...product,
      m: partOf(product.m, across, rowUnit),
      n: partOf(product.n, cores / across, columnUnit),
    };
    const active = Math.ceil(product.m / part.m) * Math.ceil(product.n / part.n);
    // Cores of one row of the grid share rows of A, those of one column share columns of B.
    const readers = { leftReaders: product.n / part.n, rightReaders: product.m / part.m };
    const nests = productNests(part, library, cachesOf(active), { ...origin, ...readers });
    const share = (product.m / part.m) * (product.n / part.n);
    ways.push({ nests: nests.map((nest) => scaled(nest, batch)), active, share });
  }
  if (cores > 1)
    ways.push({
      nests: productNests(product, library, cachesOf(1), origin).map((nest) => scaled(nest, batch)),
      active: 1,
      share: 1,
    });
  return ways;
}

/** The largest part of a length cut into so many, in whole units. */
function partOf(length: number, parts: number, unit: number): number {
  return Math.min(length, Math.ceil(length / parts / unit) * unit);
}

/** A matrix times a vector: each element of the matrix is used once, four rows at a time. */
function matrixVector(product: Product, batch: number, { blocking }: GemmLibrary, origin: Origin, cores: number): Way {
  const { m, n, k, elementBytes } = product;
  const { math } = blocking;
  const rows = Math.max(m, n);
  const lanes = math.bits / SUM_BITS[math.format];
  const matrix = m >= n ? origin.left : origin.right;
  const vectors = Math.ceil(k / (lanes * blocking.depthStep));
  return dealt(
    [
      {
        role: 'multiply',
        code: tileLoop(math, { style: 'dot', vectors: 4, columns: 1, unroll: 1 }),
        steps: batch * Math.ceil(rows / 4) * vectors,
        entries: batch * Math.ceil(rows / 4),
        lanesDone: batch * Math.ceil(rows / 4) * 4 * vectors * lanes * blocking.depthStep,
        streams: [{ lines: batch * linesOf(rows * k * elementBytes), level: matrix, pattern: 'sequence' }],
      },
    ],
    batch * Math.ceil(rows / 4),
    cores,
  );
}
