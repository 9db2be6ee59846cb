import { InputError } from '../../../errors.ts';
import type { Action } from '../../../events/events.ts';
import type { SystolicSpec } from '../spec.ts';
import { type Gemm, packedGroups, type Run } from './gemm.ts';

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
  /** Output elements also pass this many further operand elements each (residual adds). */
  readonly extraOperands: number;
}

const MAC_ACTIONS: Readonly<Record<string, Action>> = {
  int8: 'mac.int8',
  'int8/int16': 'mac.int8x16',
  'int16/int8': 'mac.int8x16',
  int16: 'mac.int16',
  bf16: 'mac.bf16',
  fp16: 'mac.fp16',
  fp32: 'mac.fp32',
};

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
  return {
    ...residence,
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
    if (cost < bestCost) {
      best = { byColumns, byRows };
      bestCost = cost;
    }
  }
  return best;
}

/** Off-chip bytes to load for `rows` of the rows that each array streams; 0 when the operands are on the chip. */
export function operandBytes(plan: Plan, rows: number): number {
  const share = rows / plan.rowsPerArray;
  return Math.ceil(((plan.streamedOffChip ? plan.gemm.streamed.bytes : 0) + plan.extraOffChipBytes) * share);
}
