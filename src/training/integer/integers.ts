import { InputError, ModelBug } from '../../errors.ts';
import type { AffineGrid } from '../../numerics/formats/affine.ts';
import { type Dyadic, scaleByDyadic } from '../../numerics/integer/dyadic.ts';
import { elements } from '../../trace/facts.ts';
import type { Op, TensorId, Trace } from '../../trace/trace.ts';
import { measuredGrid } from './grids.ts';

/** What integer ops are bound to: tensors of 8-bit integers, each on its grid. Weights have none: ops keep their own integers. */
export interface IntegerWorkspace {
  readonly trace: Trace;
  readonly grids: ReadonlyMap<TensorId, AffineGrid>;
  readonly values: ReadonlyMap<TensorId, Int8Array>;
  /** Trained weights by tensor, read when ops are bound and never after. */
  readonly weight: (id: TensorId) => Float32Array;
}

/** An operand or result: integers, where they lie and what they stand for. */
export interface Operand {
  readonly integers: Int8Array;
  readonly grid: AffineGrid;
  readonly shape: readonly number[];
}

/** Room for every tensor that is no weight. */
export function allocateIntegers({ tensors }: Trace): ReadonlyMap<TensorId, Int8Array> {
  return new Map(
    tensors.flatMap(({ role, shape }, id): [TensorId, Int8Array][] =>
      role === 'weight' ? [] : [[id, new Int8Array(elements(shape))]],
    ),
  );
}

export function operand({ trace, grids, values }: IntegerWorkspace, id: TensorId): Operand {
  const integers = values.get(id);
  if (integers === undefined) throw new ModelBug(`${trace.tensors[id]!.name} has no integers`);
  return { integers, grid: measuredGrid(grids, id), shape: trace.tensors[id]!.shape };
}

/** What leaves an op: a 32-bit integer on another scale, moved to the grid's zero point and limited to it. */
export function narrow(integer: number, factor: Dyadic, { zeroPoint, lowest, highest }: AffineGrid): number {
  return Math.min(Math.max(scaleByDyadic(integer, factor) + zeroPoint, lowest), highest);
}

/** The refusal of an op that integers have no form of. */
export function notInIntegers(op: Op, what: string): InputError {
  return InputError.of(
    op.name,
    `${what} has no form in integers only`,
    'use linear, conv, pool, residual and activation layers',
  );
}
