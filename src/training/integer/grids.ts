import { ModelBug } from '../../errors.ts';
import { type AffineGrid, affineGrid } from '../../numerics/formats/affine.ts';
import type { Values } from '../../numerics/ops/values.ts';
import type { Op, TensorId, Trace } from '../../trace/trace.ts';

/** Least and greatest value each tensor had in some runs, 0 included. */
export class Ranges {
  private readonly seen = new Map<TensorId, { least: number; greatest: number }>();

  /** Takes in the values of a tensor; fits a session's `round`, and rounds nothing. */
  readonly add = (id: TensorId, values: Values): void => {
    const range = this.seen.get(id) ?? { least: 0, greatest: 0 };
    for (const value of values) {
      if (value < range.least) range.least = value;
      if (value > range.greatest) range.greatest = value;
    }
    this.seen.set(id, range);
  };

  /** A grid of so many bits over the range of each tensor. */
  grids(bits: 4 | 8): Map<TensorId, AffineGrid> {
    return new Map(
      [...this.seen].map(([id, { least, greatest }]) => [id, affineGrid(least, greatest, { bits, symmetric: false })]),
    );
  }
}

/**
 * Grids for a network that runs in integers: what one op alone reads, and only to limit or to move it, takes the grid of that op's result.
 * So a sum that relu reads wastes no integers on what relu throws away, and a moved integer stays as it is.
 */
export function shareGrids({ ops }: Trace, measured: ReadonlyMap<TensorId, AffineGrid>): Map<TensorId, AffineGrid> {
  const grids = new Map(measured);
  const readers = readersOf(ops);
  for (const op of ops.toReversed()) {
    if (passes(op))
      for (const id of op.inputs) if (readers.get(id) === 1) grids.set(id, measuredGrid(grids, op.outputs[0]!));
  }
  // The greatest of integers lies on their own grid.
  for (const op of ops) if (op.kind === 'pool') grids.set(op.outputs[0]!, poolGrid(op, grids));
  return grids;
}

export function measuredGrid(grids: ReadonlyMap<TensorId, AffineGrid>, id: TensorId): AffineGrid {
  const grid = grids.get(id);
  if (grid === undefined) throw new ModelBug(`no range was measured for tensor ${id}`);
  return grid;
}

/** How many ops read each tensor. */
export function readersOf(ops: readonly Op[]): ReadonlyMap<TensorId, number> {
  const readers = new Map<TensorId, number>();
  for (const op of ops) for (const id of op.inputs) readers.set(id, (readers.get(id) ?? 0) + 1);
  return readers;
}

/** Ops whose results are some of their operand's values, limited or not; limiting first gives the same. */
function passes(op: Op): boolean {
  if (op.kind === 'move') return op.outputs.length === 1;
  if (op.kind === 'pool') return op.function === 'max';
  return op.kind === 'elementwise' && ['relu', 'relu6', 'dropout', 'cast', 'quantize'].includes(op.function);
}

function poolGrid(op: Extract<Op, { kind: 'pool' }>, grids: ReadonlyMap<TensorId, AffineGrid>): AffineGrid {
  return measuredGrid(grids, (op.function === 'max' ? op.inputs : op.outputs)[0]!);
}
