import { InputError } from '../../../errors.ts';
import type { Action } from '../../../events/events.ts';
import { MAC_ACTIONS } from '../precision.ts';
import type { SystolicSpec } from '../spec.ts';
import { bytesOf, type Gemm, packedGroups, type Run } from './gemm.ts';

/** Where the operands and results of one contraction live. */
export interface Residence {
  readonly streamedOffChip: boolean;
  readonly stationaryOffChip: boolean;
  readonly outputOffChip: boolean;
  /** Off-chip bytes of further operands (residual adds). */
  readonly extraOffChipBytes: number;
}

/** Everything about a contraction that its blocks have in common. */
export interface Plan extends Residence {
  /** Index of the op in the trace. */
  readonly op: number;
  readonly gemm: Gemm;
  /** Tiles that make up the reduction of all products that share a tile. */
  readonly kRuns: readonly Run[];
  readonly cyclesPerRow: number;
  readonly macAction: Action;
  /** Independent products that share one tile on its diagonal. */
  readonly packed: number;
  /** Arrays that work on different columns, and on different rows, of the same product. */
  readonly arraysByColumns: number;
  readonly arraysByRows: number;
  /** Rows each array streams: its share of the product's. */
  readonly rowsPerArray: number;
  /** Rows of all arrays together for each row of the longest share; not whole where the shares are uneven. */
  readonly rowsOfAll: number;
  /** Distinct elements for each element of the stationary tiles; less than one where windows of a feature map overlap. */
  readonly stationaryShare: number;
  /** Elements that leave for each sum: less than one where overlapping positions are added up on the way. */
  readonly resultShare: number;
  /** Output elements also pass this many further operand elements each (residual adds). */
  readonly extraOperands: number;
}

/** How one contraction runs on a machine. Throws InputError for a precision the array cannot multiply. */
export function planContraction(
  spec: SystolicSpec,
  op: number,
  gemm: Gemm,
  residence: Residence,
  extraOperands: number,
): Plan {
  const cyclesPerRow = spec.array.cyclesPerRow[gemm.precision];
  const macAction = MAC_ACTIONS[gemm.precision];
  if (cyclesPerRow === undefined || macAction === undefined) {
    const known = Object.keys(spec.array.cyclesPerRow).join(', ');
    throw InputError.of('precision', `${gemm.precision} cannot run on this array`, `use one of: ${known}`);
  }
  const packed = packedGroups(gemm, spec);
  const kRuns = packed > 1 ? [{ size: gemm.k * packed, times: 1 }] : gemm.kRuns;
  const { byColumns, byRows } = dealOverArrays(gemm, spec);
  // Written out field by field: this runs for every op, and spreading is slow.
  return {
    streamedOffChip: residence.streamedOffChip,
    stationaryOffChip: residence.stationaryOffChip,
    outputOffChip: residence.outputOffChip,
    extraOffChipBytes: residence.extraOffChipBytes,
    op,
    gemm,
    kRuns,
    cyclesPerRow,
    macAction,
    packed,
    extraOperands,
    arraysByColumns: byColumns,
    arraysByRows: byRows,
    rowsPerArray: Math.ceil(gemm.rows / byRows),
    rowsOfAll: gemm.rows / Math.ceil(gemm.rows / byRows),
    stationaryShare: Math.min(
      1,
      gemm.stationary.bytes / bytesOf(gemm.k * gemm.columns * gemm.groups, gemm.stationary.elementBits),
    ),
    resultShare: gemm.outputElements / (gemm.rows * gemm.columns * gemm.groups),
  };
}

/** Deals the arrays of a chip out over columns and rows of a product so that the longest share is shortest. */
function dealOverArrays(gemm: Gemm, spec: SystolicSpec): { byColumns: number; byRows: number } {
  let best = { byColumns: 1, byRows: spec.array.count };
  let bestCost = Number.POSITIVE_INFINITY;
  for (let byColumns = 1; byColumns <= spec.array.count; byColumns++) {
    if (spec.array.count % byColumns !== 0) continue;
    const byRows = spec.array.count / byColumns;
    const cost = Math.ceil(gemm.columns / (spec.array.columns * byColumns)) * Math.ceil(gemm.rows / byRows);
    // Of equals the one that leaves no array without rows.
    if (cost < bestCost || (cost === bestCost && best.byRows > gemm.rows)) {
      best = { byColumns, byRows };
      bestCost = cost;
    }
  }
  return best;
}

/** Off-chip bytes to load for `rows` of the rows that each array streams; 0 when they are on the chip. */
export function streamedBytes(plan: Plan, rows: number): number {
  return plan.streamedOffChip ? Math.ceil((plan.gemm.streamed.bytes * rows) / plan.rowsPerArray) : 0;
}

/** Off-chip bytes of all stationary tiles, each element of the tensor once; 0 when they are on the chip. */
export function stationaryBytes(plan: Plan): number {
  return plan.stationaryOffChip ? plan.gemm.stationary.bytes : 0;
}
