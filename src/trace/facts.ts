import { DTYPES, type DType, type Op, type Tensor, type Trace } from './trace.ts';

/** Number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  let product = 1;
  for (const length of shape) product *= length;
  return product;
}

/** Storage of `count` elements in bytes, whole bytes (int4 packs two to a byte). */
export function storageBytes(count: number, dtype: DType): number {
  return Math.ceil((count * DTYPES[dtype]) / 8);
}

export function tensorBytes(tensor: Tensor): number {
  return storageBytes(elements(tensor.shape), tensor.dtype);
}

/** Multiply-accumulates of one op; 0 for everything that is not a contraction. */
export function macs(op: Op): number {
  if (op.kind === 'matmul') return op.batch * op.m * op.n * op.k;
  if (op.kind !== 'conv') return 0;
  const positions = op.transposed ? op.h * op.w : op.p * op.q;
  return op.n * op.k * positions * (op.c / op.groups) * op.r * op.s;
}

export function totalMacs(trace: Trace): number {
  return trace.ops.reduce((sum, op) => sum + macs(op), 0);
}

/** Trained parameters of the traced network, each weight tensor once. */
export function parameters(trace: Trace): number {
  let sum = 0;
  for (const tensor of trace.tensors) if (tensor.role === 'weight') sum += elements(tensor.shape);
  return sum;
}

/** Bytes that must move at least once for one op: every input read and every output written. */
export function compulsoryBytes(trace: Trace, op: Op): number {
  let sum = 0;
  for (const id of op.inputs) sum += tensorBytes(trace.tensors[id]!);
  for (const id of op.outputs) sum += tensorBytes(trace.tensors[id]!);
  return sum;
}

/** MACs per compulsory byte. */
export function intensity(trace: Trace, op: Op): number {
  return macs(op) / compulsoryBytes(trace, op);
}
