import { type AffineGrid, quantizeValue } from '../../numerics/formats/affine.ts';
import { NEAREST_EVEN } from '../../numerics/formats/rounding.ts';
import type { Op, TensorId, Trace } from '../../trace/trace.ts';
import type { Runner } from '../execute/workspace.ts';
import { bindIntegerConv, bindIntegerMatmul } from './contraction.ts';
import { bindIntegerElementwise, bindIntegerSoftmax } from './elementwise.ts';
import { readersOf, shareGrids } from './grids.ts';
import { allocateIntegers, type IntegerWorkspace, notInIntegers, operand } from './integers.ts';
import { bindIntegerMove } from './move.ts';
import { bindIntegerPool, bindIntegerReduce } from './pool.ts';

/** A trained network that runs in integers: 8-bit operands and results, 32-bit sums, shifts. */
export interface IntegerNetwork {
  /** Takes real inputs to the integers of their grid, the last real numbers there are. */
  setInput(id: TensorId, values: ArrayLike<number>): void;
  run(): void;
  /** Integers of a result, live, and what they stand for. */
  result(id: TensorId): { readonly integers: Int8Array; readonly grid: AffineGrid };
}

export interface IntegerOptions {
  readonly forward: Trace;
  /** Grids over the ranges that tensors had on calibration samples. */
  readonly grids: ReadonlyMap<TensorId, AffineGrid>;
  readonly weight: (name: string) => Float32Array;
}

/**
 * Prepares everything that needs real numbers, once: integer weights, factors, tables. Throws InputError for an op without a form in
 * integers.
 */
export function integerNetwork({ forward, grids, weight }: IntegerOptions): IntegerNetwork {
  const values = allocateIntegers(forward);
  const workspace: IntegerWorkspace = {
    trace: forward,
    grids: shareGrids(forward, grids),
    values,
    weight: (id) => weight(forward.tensors[id]!.name),
  };
  const runners = bindAll(forward, workspace);
  return {
    setInput(id, given) {
      const { integers, grid } = operand(workspace, id);
      for (let index = 0; index < integers.length; index++)
        integers[index] = quantizeValue(given[index]!, grid, NEAREST_EVEN);
    },
    run() {
      for (const runner of runners) runner();
    },
    result: (id) => operand(workspace, id),
  };
}

/** A bias that is all that reads a product is added to its sums; the other ops are bound one by one. */
function bindAll({ ops, tensors }: Trace, workspace: IntegerWorkspace): Runner[] {
  const readers = readersOf(ops);
  const merged = new Set<Op>();
  return ops.flatMap((op) => {
    if (merged.has(op)) return [];
    if (op.kind !== 'matmul' && op.kind !== 'conv') return [bindOp(op, workspace)];
    const sums = op.outputs[0]!;
    const next = ops.find(({ inputs }) => inputs[0] === sums);
    const biased =
      next?.kind === 'elementwise' &&
      next.function === 'bias' &&
      readers.get(sums) === 1 &&
      tensors[next.inputs[1]!]!.role === 'weight' &&
      tensors[next.inputs[1]!]!.shape.length === 1;
    if (biased) merged.add(next);
    const place = biased ? { bias: next.inputs[1]!, result: next.outputs[0]! } : { bias: null, result: sums };
    return [
      op.kind === 'matmul'
        ? bindIntegerMatmul({ op, ...place }, workspace)
        : bindIntegerConv({ op, ...place }, workspace),
    ];
  });
}

function bindOp(op: Exclude<Op, { kind: 'matmul' | 'conv' }>, workspace: IntegerWorkspace): Runner {
  switch (op.kind) {
    case 'elementwise':
      return bindIntegerElementwise(op, workspace);
    case 'softmax':
      return bindIntegerSoftmax(op, workspace);
    case 'pool':
      return bindIntegerPool(op, workspace);
    case 'reduce':
      return bindIntegerReduce(op, workspace);
    case 'move':
      return bindIntegerMove(op, workspace);
    default:
      throw notInIntegers(op, op.kind);
  }
}
