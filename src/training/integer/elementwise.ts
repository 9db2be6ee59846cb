import { type AffineGrid, dequantizeValue, quantizeValue } from '../../numerics/formats/affine.ts';
import { NEAREST_EVEN } from '../../numerics/formats/rounding.ts';
import { scaleByDyadic, toDyadic } from '../../numerics/integer/dyadic.ts';
import { integerGelu } from '../../numerics/integer/gelu.ts';
import { rescale } from '../../numerics/integer/integer-tensor.ts';
import { kSigmoid, kSwish, kTanhOf } from '../../numerics/integer/k-tanh-derived.ts';
import { integerSoftmax } from '../../numerics/integer/softmax.ts';
import { ACTIVATIONS } from '../../numerics/ops/activation.ts';
import type { ElementwiseOp, SoftmaxOp } from '../../trace/trace.ts';
import type { Runner } from '../execute/workspace.ts';
import { type IntegerWorkspace, narrow, notInIntegers, operand, type Operand } from './integers.ts';

/** Sums of two operands are brought to a scale this much finer than the result's before they are rounded to it. */
const GUARD_BITS = 8;
/** Bits of a softmax before they are narrowed to the result's grid. */
const SOFTMAX_BITS = 16;
/** Entries of a table: one for every 8-bit integer. */
const TABLE = 256;
const LOWEST = -128;

export function bindIntegerElementwise(op: ElementwiseOp, workspace: IntegerWorkspace): Runner {
  const to = operand(workspace, op.outputs[0]!);
  if (op.inputs.some((id) => workspace.trace.tensors[id]!.role === 'weight'))
    throw notInIntegers(op, `${op.function} with weights that follows no product`);
  const [first, second] = op.inputs.map((id) => operand(workspace, id));
  if (second === undefined) return lookUp(functionTable(op, first!.grid, to.grid), first!, to);
  if (first!.integers.length !== to.integers.length || second.integers.length !== to.integers.length)
    throw notInIntegers(op, `${op.function} of operands of different shapes`);
  switch (op.function) {
    case 'add':
      return combine(first!, second, 1, to);
    case 'sub':
      return combine(first!, second, -1, to);
    case 'mul':
      return multiply(first!, second, to);
    default:
      throw notInIntegers(op, op.function);
  }
}

/** Each integer becomes the one that a table made beforehand has for it. */
export function lookUp(table: Int8Array, { integers }: Operand, to: Operand): Runner {
  return () => {
    for (let index = 0; index < integers.length; index++) to.integers[index] = table[integers[index]! - LOWEST]!;
  };
}

/** The results of a function for all 8-bit integers of one grid, on another: gelu by I-BERT's polynomial, tanh and its kin by K-TanH. */
function functionTable(op: ElementwiseOp, from: AffineGrid, to: AffineGrid): Int8Array {
  if (op.function === 'gelu') return geluTable(from, to);
  const { factor } = op;
  const simple = SIMPLE[op.function] ?? ACTIVATIONS[op.function]?.value;
  const value = op.function === 'scale' && factor !== undefined ? (x: number) => factor * x : simple;
  if (value === undefined) throw notInIntegers(op, op.function);
  return tableOf(value, from, to);
}

const SIMPLE: Readonly<Record<string, (x: number) => number>> = {
  tanh: kTanhOf,
  sigmoid: kSigmoid,
  silu: kSwish,
  dropout: (x) => x,
  cast: (x) => x,
  quantize: (x) => x,
};

export function tableOf(value: (x: number) => number, from: AffineGrid, to: AffineGrid): Int8Array {
  return Int8Array.from({ length: TABLE }, (_, at) =>
    quantizeValue(value(dequantizeValue(at + LOWEST, from)), to, NEAREST_EVEN),
  );
}

function geluTable(from: AffineGrid, to: AffineGrid): Int8Array {
  const all = Int32Array.from({ length: TABLE }, (_, at) => at + LOWEST - from.zeroPoint);
  const { integers, scale } = integerGelu({ integers: all, scale: from.scale });
  const factor = toDyadic(scale / to.scale);
  return Int8Array.from(integers, (integer) => narrow(integer, factor, to));
}

function combine(first: Operand, second: Operand, sign: 1 | -1, to: Operand): Runner {
  const finer = to.grid.scale / 2 ** GUARD_BITS;
  const [left, right] = [toDyadic(first.grid.scale / finer), toDyadic(second.grid.scale / finer)];
  const back = toDyadic(2 ** -GUARD_BITS);
  return () => {
    for (let index = 0; index < to.integers.length; index++) {
      const one = scaleByDyadic(first.integers[index]! - first.grid.zeroPoint, left);
      const other = scaleByDyadic(second.integers[index]! - second.grid.zeroPoint, right);
      to.integers[index] = narrow(one + sign * other, back, to.grid);
    }
  };
}

function multiply(first: Operand, second: Operand, to: Operand): Runner {
  const factor = toDyadic((first.grid.scale * second.grid.scale) / to.grid.scale);
  return () => {
    for (let index = 0; index < to.integers.length; index++) {
      const product =
        (first.integers[index]! - first.grid.zeroPoint) * (second.integers[index]! - second.grid.zeroPoint);
      to.integers[index] = narrow(product, factor, to.grid);
    }
  };
}

export function bindIntegerSoftmax(op: SoftmaxOp, workspace: IntegerWorkspace): Runner {
  const [from, to] = [operand(workspace, op.inputs[0]!), operand(workspace, op.outputs[0]!)];
  return () => {
    const integers = Int32Array.from(from.integers, (integer) => integer - from.grid.zeroPoint);
    const shares = integerSoftmax({ integers, scale: from.grid.scale }, op.axisLength, SOFTMAX_BITS);
    // One bit more than the grid's: its integers less their zero point.
    const scaled = rescale(shares, to.grid.scale, 10).integers;
    for (let index = 0; index < scaled.length; index++)
      to.integers[index] = Math.min(Math.max(scaled[index]! + to.grid.zeroPoint, to.grid.lowest), to.grid.highest);
  };
}
