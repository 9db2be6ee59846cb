import { toDyadic } from '../../numerics/integer/dyadic.ts';
import { patchElements, patches } from '../../numerics/ops/patches.ts';
import type { ConvOp, Layout, MatmulOp, TensorId } from '../../trace/trace.ts';
import type { Runner } from '../execute/workspace.ts';
import { checkSums, integerChannels } from './channels.ts';
import { type IntegerWorkspace, narrow, notInIntegers, operand } from './integers.ts';
import { integerProduct } from './product.ts';

/** A product or convolution with the bias that is added to its sums, if any, and the tensor that takes what comes out. */
export interface Contraction<ContractionOp extends MatmulOp | ConvOp> {
  readonly op: ContractionOp;
  readonly bias: TensorId | null;
  readonly result: TensorId;
}

export function bindIntegerMatmul(contraction: Contraction<MatmulOp>, workspace: IntegerWorkspace): Runner {
  const { op } = contraction;
  const [left, right] = op.inputs.map((id) => workspace.trace.tensors[id]!.role === 'weight');
  if (left === true) throw notInIntegers(op, 'a product with weights on the left');
  return right === true ? bindLinear(contraction, workspace) : bindActivations(contraction, workspace);
}

/** [m, k] activations by [k, n] weights, which are turned into n rows once. */
function bindLinear({ op, bias, result }: Contraction<MatmulOp>, workspace: IntegerWorkspace): Runner {
  const { m, n, k } = op;
  if (op.batch !== 1 || op.left !== undefined || op.result !== undefined)
    throw notInIntegers(op, 'a batch of products with weights');
  const [from, to] = [operand(workspace, op.inputs[0]!), operand(workspace, result)];
  const weights = workspace.weight(op.inputs[1]!);
  const place = placing(op.right, n, k);
  const rows = Float32Array.from({ length: n * k }, (_, at) => weights[place(0, at % k, Math.floor(at / k))]!);
  const biases = bias === null ? null : workspace.weight(bias);
  const channels = integerChannels(op.name, rows, k, biases, from.grid, to.grid);
  const sums = new Int32Array(m * n);
  return () => {
    const left = { rows: from.integers, zeroPoint: from.grid.zeroPoint };
    integerProduct(m, n, k, left, { rows: channels.rows, zeroPoint: 0 }, sums);
    for (let index = 0, channel = 0; index < sums.length; index++, channel = channel + 1 === n ? 0 : channel + 1)
      to.integers[index] = narrow(sums[index]! + channels.bias[channel]!, channels.factors[channel]!, to.grid);
  };
}

/** A batch of products of activations (attention), in the layouts of their tensors. */
function bindActivations({ op, bias, result }: Contraction<MatmulOp>, workspace: IntegerWorkspace): Runner {
  if (bias !== null) throw notInIntegers(op, 'a bias on a product of activations');
  const { batch, m, n, k } = op;
  const [a, b, to] = [operand(workspace, op.inputs[0]!), operand(workspace, op.inputs[1]!), operand(workspace, result)];
  checkSums(op.name, k, a.grid, b.grid.highest - b.grid.lowest, 0);
  const factor = toDyadic((a.grid.scale * b.grid.scale) / to.grid.scale);
  const [left, right] = [new Int8Array(m * k), new Int8Array(n * k)];
  const [placeLeft, placeRight, placeResult] = [
    placing(op.left, k, m),
    placing(op.right, n, k),
    placing(op.result, n, m),
  ];
  const sums = new Int32Array(m * n);
  return () => {
    for (let index = 0; index < batch; index++) {
      for (let at = 0; at < m * k; at++) left[at] = a.integers[placeLeft(index, Math.floor(at / k), at % k)]!;
      for (let at = 0; at < n * k; at++) right[at] = b.integers[placeRight(index, at % k, Math.floor(at / k))]!;
      const rows = { rows: left, zeroPoint: a.grid.zeroPoint };
      integerProduct(m, n, k, rows, { rows: right, zeroPoint: b.grid.zeroPoint }, sums);
      for (let at = 0; at < sums.length; at++)
        to.integers[placeResult(index, Math.floor(at / n), at % n)] = narrow(sums[at]!, factor, to.grid);
    }
  };
}

/** Where an element (row, column) of one matrix of a batch lies in its tensor. */
function placing(layout: Layout | undefined, columns: number, rows: number) {
  const heads = layout?.heads ?? 1;
  const transposed = layout?.transposed === true;
  const width = (transposed ? rows : columns) * heads;
  const height = transposed ? columns : rows;
  return (index: number, row: number, column: number): number => {
    const [down, right] = transposed ? [column, row] : [row, column];
    return (Math.floor(index / heads) * height + down) * width + (index % heads) * (width / heads) + right;
  };
}

/** A product of filters and patches for each sample and group; what lies in the padding is the integer that stands for zero. */
export function bindIntegerConv({ op, bias, result }: Contraction<ConvOp>, workspace: IntegerWorkspace): Runner {
  if (op.transposed) throw notInIntegers(op, 'a transposed convolution');
  const [from, to] = [operand(workspace, op.inputs[0]!), operand(workspace, result)];
  const { n, c, h, w, k, r, s, p, q, groups } = op;
  const [filters, terms, positions] = [k / groups, (c / groups) * r * s, p * q];
  const biases = bias === null ? null : workspace.weight(bias);
  const channels = integerChannels(op.name, workspace.weight(op.inputs[1]!), terms, biases, from.grid, to.grid);
  const sources = patchSources(op);
  const [patch, sums] = [new Int8Array(sources.length), new Int32Array(filters * positions)];
  const runGroup = (sample: number, group: number): void => {
    const start = (sample * c + group * (c / groups)) * h * w;
    for (let at = 0; at < sources.length; at++)
      patch[at] = sources[at]! < 0 ? from.grid.zeroPoint : from.integers[start + sources[at]!]!;
    const first = group * filters;
    const rows = channels.rows.subarray(first * terms, (first + filters) * terms);
    const right = { rows: patch, zeroPoint: from.grid.zeroPoint };
    integerProduct(filters, positions, terms, { rows, zeroPoint: 0 }, right, sums);
    for (let filter = 0, at = 0; filter < filters; filter++) {
      const channel = first + filter;
      for (const end = at + positions; at < end; at++)
        to.integers[(sample * k + first) * positions + at] = narrow(
          sums[at]! + channels.bias[channel]!,
          channels.factors[channel]!,
          to.grid,
        );
    }
  };
  return () => {
    for (let sample = 0; sample < n; sample++) for (let group = 0; group < groups; group++) runGroup(sample, group);
  };
}

/** For each position, the element of a group's operand that each tap meets; -1 in the padding. */
function patchSources(op: ConvOp): Int32Array {
  const positions = op.p * op.q;
  const numbers = Float64Array.from({ length: (op.c / op.groups) * op.h * op.w }, (_, at) => at + 1);
  const byTap = new Float64Array(patchElements(op));
  patches(op, numbers, 0, byTap);
  const terms = byTap.length / positions;
  return Int32Array.from(byTap, (_, at) => byTap[(at % terms) * positions + Math.floor(at / terms)]! - 1);
}
