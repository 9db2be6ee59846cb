import type { ConvOp, MatmulOp, Op, TensorId, Trace } from '../../../trace/trace.ts';

/**
 * A contraction as the PEs see it: `count` products of a matrix that lies in the PEs (rows x depth) by one that comes along (depth x
 * columns). `path` says which of a training step's three it is, and so who holds what.
 */
export interface Contraction {
  readonly path: 'forward' | 'delta' | 'weight-gradient';
  readonly count: number;
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  /** The matrix that lies in the PEs, or for a weight gradient the result: null if it is no weight but made in the same step. */
  readonly weight: TensorId | null;
}

const PATHS = { forward: 'forward', 'input-gradient': 'delta', 'weight-gradient': 'weight-gradient' } as const;

/** The contraction of an op; null for any other op. */
export function contractionOf(trace: Trace, op: Op): Contraction | null {
  if (op.kind === 'matmul') return matmulContraction(trace, op);
  if (op.kind === 'conv') return convContraction(trace, op);
  return null;
}

function pathOf(op: Op): Contraction['path'] {
  return op.phase === 'input-gradient' || op.phase === 'weight-gradient' ? PATHS[op.phase] : 'forward';
}

/** Weights, and random matrices that take their place on the way back, stay where they are from step to step. */
function lasting(trace: Trace, id: TensorId): TensorId | null {
  const { role } = trace.tensors[id]!;
  return role === 'weight' || role === 'state' ? id : null;
}

function matmulContraction(trace: Trace, op: MatmulOp): Contraction {
  const { batch: count, m, n, k } = op;
  const path = pathOf(op);
  // A weight is [features in, features out]; its gradient too.
  if (path === 'weight-gradient' && op.left?.transposed === true)
    return { path, count, rows: n, depth: k, columns: m, weight: op.outputs[0]! };
  const [left, right] = [lasting(trace, op.inputs[0]!), lasting(trace, op.inputs[1]!)];
  if (left !== null && right === null)
    return { path: path === 'delta' ? path : 'forward', count, rows: m, depth: k, columns: n, weight: left };
  return { path: path === 'delta' ? path : 'forward', count, rows: n, depth: k, columns: m, weight: right };
}

/** Filters by positions: a forward pass takes patches, a delta makes them, a weight gradient sums over positions. */
function convContraction(trace: Trace, op: ConvOp): Contraction {
  const { n, c, k, h, w, p, q, r, s, groups: count } = op;
  const path = pathOf(op);
  const positions = n * (op.transposed ? h * w : p * q);
  // A transposed convolution is the delta of another one.
  const [wide, narrow] = op.transposed ? [k / count, c / count] : [c / count, k / count];
  const patch = wide * r * s;
  const fromPatches = { count, rows: narrow, depth: patch, columns: positions };
  const intoPatches = { count, rows: patch, depth: narrow, columns: positions };
  if (path === 'weight-gradient')
    return { path, count, rows: narrow, depth: positions, columns: patch, weight: op.outputs[0]! };
  const forward = op.transposed ? intoPatches : fromPatches;
  const backward = op.transposed ? fromPatches : intoPatches;
  return { path, ...(path === 'forward' ? forward : backward), weight: lasting(trace, op.inputs[1]!) };
}
