import { gemm, type GemmShape } from '../../models/caterpillar/micro/gemm.ts';
import { gemv } from '../../models/caterpillar/micro/gemv.ts';
import type { CoreTiming, Program, Stream } from '../../models/caterpillar/micro/program.ts';
import { dimensionsOf, type Matrix, type Product, submatrix } from '../matrix.ts';

/** A program with everything it works on. */
export interface Loaded {
  readonly program: Program;
  /** Words of memories A and B of every PE, row by row, then address. */
  readonly memoryA: readonly (readonly number[])[];
  readonly memoryB: readonly (readonly number[])[];
  /** Words on each of the buses that cross the rows, in the order in which they come. */
  readonly streams: Readonly<Record<Exclude<Stream, 'result'>, readonly (readonly number[])[]>>;
  /** Words after which streams a and b begin to overwrite what came first. */
  readonly wrapA: number;
  readonly wrapB: number;
  /** Rows and columns, brought up to whole tiles. */
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

const whole = (length: number, size: number): number => Math.ceil(length / size) * size;

/** Matrix times vector: element (row, column) of the matrix lies in PE (row mod size, column mod size). */
function loadVector(timing: CoreTiming, { a, b }: Product): Loaded {
  const { size } = timing;
  const { m, k } = { m: whole(a.length, size), k: whole(b.length, size) };
  const local = { rows: m / size, columns: k / size };
  const padded = submatrix(a, 0, m, 0, k);
  const pes = indices(size * size).map((pe) => ({ row: Math.floor(pe / size), column: pe % size }));
  return {
    program: gemv(timing, local, false),
    memoryA: pes.map(({ row, column }) =>
      indices(local.rows).flatMap((i) =>
        indices(local.columns).map((j) => padded[i * size + row]![j * size + column]!),
      ),
    ),
    // Room for errors and scaled errors, which training has; then the vector.
    memoryB: pes.map(({ column }) => [
      ...new Array<number>(2 * local.rows).fill(0),
      ...indices(local.columns).map((j) => b[j * size + column]?.[0] ?? 0),
    ]),
    streams: { a: [], b: [], initial: [] },
    wrapA: 1,
    wrapB: 1,
    m,
    k,
    n: 1,
  };
}

/** Product of matrices by rank-1 updates; everything comes and goes through the ports, sums start from zero. */
function loadProduct(timing: CoreTiming, product: Product): Loaded {
  const { size } = timing;
  const sizes = dimensionsOf(product);
  const [m, k, n] = [whole(sizes.m, size), whole(sizes.k, size), whole(sizes.n, size)];
  const shape: GemmShape = {
    parts: 1,
    blocks: 1,
    blockRows: m,
    depth: k,
    columns: n,
    streamsA: true,
    keepsB: false,
    streamsC: true,
    transposed: false,
  };
  const left: Matrix = submatrix(product.a, 0, m, 0, k);
  const right: Matrix = submatrix(product.b, 0, k, 0, n);
  const empty = (): number[][] => indices(size * size).map(() => []);
  return {
    program: gemm(timing, shape),
    memoryA: empty(),
    memoryB: empty(),
    streams: {
      // Tile by tile, slice by slice, a word for each row of PEs.
      a: indices(size).map((bus) =>
        indices(m / size).flatMap((tile) =>
          indices(k / size).flatMap((slice) =>
            indices(size).map((row) => left[tile * size + row]![slice * size + bus]!),
          ),
        ),
      ),
      b: indices(size).map((bus) => indices(n / size).flatMap((panel) => right.map((row) => row[panel * size + bus]!))),
      initial: indices(size).map(() => new Array<number>((m * n) / size).fill(0)),
    },
    wrapA: (m * k) / size ** 2,
    wrapB: 2 * k,
    m,
    k,
    n,
  };
}

/** What a core runs for a product: a vector's where `b` has one column. */
export function load(timing: CoreTiming, product: Product): Loaded {
  return dimensionsOf(product).n === 1 ? loadVector(timing, product) : loadProduct(timing, product);
}
