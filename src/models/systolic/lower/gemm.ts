import { elements, tensorBytes } from '../../../trace/facts.ts';
import { type ConvOp, DTYPES, type MatmulOp, type TensorId, type Trace } from '../../../trace/trace.ts';
import type { SystolicSpec } from '../spec.ts';

/** Equal steps: `times` tiles of `size`. */
export interface Run {
  readonly size: number;
  readonly times: number;
}

interface Operand {
  readonly elementBits: number;
  /** Of the tensor itself, each element once. */
  readonly bytes: number;
  readonly isWeight: boolean;
  readonly tensor: TensorId;
}

/**
 * A contraction as the array sees it: `groups` independent products, each streaming `rows` rows past stationary tiles that
 * cover a reduction of `k` by `columns`.
 */
export interface Gemm {
  readonly groups: number;
  readonly rows: number;
  readonly columns: number;
  /** Tiles that make up the reduction, each at most the array's rows. */
  readonly kRuns: readonly Run[];
  readonly k: number;
  /** Rows that belong to one sample: chunks of rows end at sample borders where they can. 0: no samples among the rows. */
  readonly rowsPerSample: number;
  readonly stationary: Operand;
  readonly streamed: Operand;
  readonly outputElementBits: number;
  /** Elements of the result; fewer than rows x columns x groups where overlapping positions are added up. */
  readonly outputElements: number;
  /** `int8`, or `int8/int16` (weights/activations). */
  readonly precision: string;
}

/** Steps of at most `limit` that add up to `length`: full ones first, then the rest. */
export function runs(length: number, limit: number): Run[] {
  const full = Math.floor(length / limit);
  const rest = length - full * limit;
  const result: Run[] = [];
  if (full > 0) result.push({ size: limit, times: full });
  if (rest > 0) result.push({ size: rest, times: 1 });
  return result;
}

/** Number of steps. */
export function count(steps: readonly Run[]): number {
  return steps.reduce((sum, run) => sum + run.times, 0);
}

/** Near-equal steps of at most `limit`; only the last may be smaller. */
export function balancedRuns(length: number, limit: number): Run[] {
  const parts = Math.ceil(length / limit);
  return runs(length, Math.ceil(length / parts));
}

interface Shape {
  readonly groups: number;
  readonly m: number;
  readonly n: number;
  readonly kRuns: readonly Run[];
  readonly k: number;
  readonly rowsPerSample: number;
}

/** How a contraction maps onto the array. `is` swaps the roles of weights and activations. */
export function toGemm(
  trace: Trace,
  op: MatmulOp | ConvOp,
  spec: SystolicSpec,
  partsOf: (id: TensorId) => readonly TensorId[],
): Gemm {
  const left = trace.tensors[op.inputs[0]!]!;
  const right = trace.tensors[op.inputs[1]!]!;
  const output = trace.tensors[op.outputs[0]!]!;
  const shape = op.kind === 'conv' ? convShape(op, spec) : matmulShape(trace, op, spec, partsOf(op.inputs[0]!));
  const operand = (tensor: TensorId): Operand => {
    const { dtype, role } = trace.tensors[tensor]!;
    return {
      elementBits: DTYPES[dtype],
      bytes: tensorBytes(trace.tensors[tensor]!),
      isWeight: role === 'weight',
      tensor,
    };
  };
  const [activation, weight] = [operand(op.inputs[0]!), operand(op.inputs[1]!)];
  const swap = spec.array.dataflow === 'input-stationary';
  const precision = right.dtype === left.dtype ? right.dtype : `${right.dtype}/${left.dtype}`;
  return {
    groups: shape.groups,
    kRuns: shape.kRuns,
    k: shape.k,
    rows: swap ? shape.n : shape.m,
    columns: swap ? shape.m : shape.n,
    rowsPerSample: swap ? 0 : shape.rowsPerSample,
    stationary: swap ? activation : weight,
    streamed: swap ? weight : activation,
    outputElementBits: DTYPES[output.dtype],
    outputElements: elements(output.shape),
    precision,
  };
}

function matmulShape(trace: Trace, op: MatmulOp, spec: SystolicSpec, parts: readonly TensorId[]): Shape {
  const { batch } = trace.workload;
  const rowsPerSample = op.batch === 1 && op.m % batch === 0 ? op.m / batch : 0;
  const aligned = spec.array.reduction === 'aligned';
  const kRuns = aligned ? alignedRuns(trace, op.k, parts, spec.array.rows) : runs(op.k, spec.array.rows);
  return { groups: op.batch, m: op.m, n: op.n, k: op.k, kRuns, rowsPerSample };
}

/** The parts of a concatenated operand lie in buffer rows of their own, so none shares a tile with the next. */
function alignedRuns(trace: Trace, k: number, parts: readonly TensorId[], rows: number): Run[] {
  const lengths = parts.map((id) => trace.tensors[id]!.shape[trace.tensors[id]!.shape.length - 1]!);
  const concatenated = parts.length > 1 && lengths.reduce((sum, length) => sum + length, 0) === k;
  return concatenated ? lengths.flatMap((length) => runs(length, rows)) : runs(k, rows);
}

function convShape(op: ConvOp, spec: SystolicSpec): Shape {
  const channels = op.c / op.groups;
  const taps = op.r * op.s;
  const outputs = op.k / op.groups;
  const positions = op.transposed ? op.h * op.w : op.p * op.q;
  const common = { groups: op.groups, rowsPerSample: 0 };
  if (op.transposed && op.phase === 'weight-gradient') {
    // The operand streams past what each of its positions got back through its taps.
    const k = op.n * positions;
    return { ...common, m: channels, n: outputs * taps, k, kRuns: runs(k, spec.array.rows) };
  }
  if (op.transposed && op.phase === 'input-gradient') {
    // The gradient of a transposed convolution is a plain one.
    const k = outputs * taps;
    return {
      ...common,
      m: op.n * positions,
      n: channels,
      k,
      kRuns: runs(k, spec.array.rows),
      rowsPerSample: positions,
    };
  }
  if (op.phase === 'weight-gradient') {
    // Filter taps stream past the output gradient; the reduction runs over all positions of all samples.
    const k = op.n * positions;
    return { ...common, m: channels * taps, n: outputs, k, kRuns: runs(k, spec.array.rows) };
  }
  if (op.phase === 'input-gradient') {
    // Every output position adds to the inputs under its taps: each tap is a column of the product.
    const k = outputs;
    return {
      ...common,
      m: op.n * positions,
      n: channels * taps,
      k,
      kRuns: runs(k, spec.array.rows),
      rowsPerSample: positions,
    };
  }
  // A transposed convolution spreads every input position over r x s outputs: each tap is a column of the product.
  if (op.transposed) {
    const rows = op.n * op.h * op.w;
    const k = channels;
    return {
      groups: op.groups,
      m: rows,
      n: outputs * taps,
      k,
      kRuns: runs(k, spec.array.rows),
      rowsPerSample: op.h * op.w,
    };
  }
  const k = channels * taps;
  const kRuns =
    spec.array.reduction === 'packed' ? runs(k, spec.array.rows) : wholeTapRuns(channels, taps, spec.array.rows);
  return { groups: op.groups, m: op.n * op.p * op.q, n: outputs, k, kRuns, rowsPerSample: op.p * op.q };
}

/** Filter taps are not cut: as many whole taps as fit share a tile, or a tap takes several tiles of its own. */
function wholeTapRuns(channels: number, taps: number, rows: number): Run[] {
  if (channels > rows) return runs(channels, rows).map((run) => ({ size: run.size, times: run.times * taps }));
  const perTile = Math.min(taps, Math.floor(rows / channels));
  return runs(taps, perTile).map((run) => ({ size: run.size * channels, times: run.times }));
}

/** Groups that share one tile as blocks on its diagonal: each needs its own rows and columns. */
export function packedGroups(gemm: Gemm, spec: SystolicSpec): number {
  if (gemm.groups === 1 || spec.array.dataflow === 'output-stationary') return 1;
  const byRows = Math.floor(spec.array.rows / gemm.k);
  const byColumns = Math.floor(spec.array.columns / gemm.columns);
  return Math.max(1, Math.min(byRows, byColumns, gemm.groups));
}

export function bytesOf(count: number, bits: number): number {
  return Math.ceil((count * bits) / 8);
}
