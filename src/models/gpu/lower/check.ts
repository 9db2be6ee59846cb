import { InputError, type Problem } from '../../../errors.ts';
import { tensorBytes } from '../../../trace/facts.ts';
import { peakActivationBytes } from '../../../trace/memory.ts';
import type { Op, SparsePattern, TensorId, Trace } from '../../../trace/trace.ts';
import { networkNames } from '../../../units/network/load.ts';
import { refuseTooLarge } from '../../memory-size.ts';
import { type GpuSpec, operandsOf } from '../spec.ts';

/** Problems of one kind that are worth listing; the rest are alike. */
const LISTED = 20;

/** Format of an op's operands, `weights/activations` where they differ. */
export function operandFormat({ tensors }: Trace, op: Op): string {
  const [left, right] = [tensors[op.inputs[0]!]!.dtype, tensors[op.inputs[1]!]!.dtype];
  return left === right ? left : `${right}/${left}`;
}

/**
 * Name of the math that multiplies a format: with fp32 sums where the machine tells them apart, as frameworks ask for, and without
 * the zeros of a pattern where it can leave them out.
 */
export function mathOf(spec: GpuSpec, format: string, pattern: SparsePattern | null = null): string {
  const withWideSums = `${format}+fp32`;
  const dense = spec.math[withWideSums] === undefined ? format : withWideSums;
  if (pattern === null) return dense;
  const skipping = Object.entries(spec.math).find(
    ([name, { sparse }]) => name.startsWith(`${dense}:`) && sparse !== undefined && fits(pattern, sparse),
  );
  return skipping?.[0] ?? dense;
}

/** Whether all that has a pattern has the other one too. */
function fits({ n, m }: SparsePattern, other: SparsePattern): boolean {
  if (other.m % m === 0) return (n * other.m) / m <= other.n;
  return m % other.m === 0 && n <= other.n;
}

/** Pattern of the weights of a forward product or convolution, and which operand they are; null: none that kernels could use. */
export function patternOf(
  { tensors }: Trace,
  op: Op,
): { readonly pattern: SparsePattern; readonly operand: 'left' | 'right' } | null {
  if (op.phase !== 'forward' || (op.kind !== 'matmul' && op.kind !== 'conv')) return null;
  // It is computed as an input gradient, whose reduction runs along the other channels.
  if (op.kind === 'conv' && op.transposed) return null;
  const [left, right] = op.inputs.map((id) => tensors[id]!.pattern);
  if (right !== undefined) return { pattern: right, operand: 'right' };
  return left === undefined ? null : { pattern: left, operand: 'left' };
}

/** Refuses what the machine cannot run: formats its pipes do not have, exchanges without a network, tensors beyond its memory. */
export function refuseUnsupported(spec: GpuSpec, trace: Trace): void {
  const problems: Problem[] = [];
  const exchanges = trace.ops.filter(({ kind }) => kind === 'collective').length;
  if (exchanges > 0 && spec.network === undefined)
    problems.push({
      where: 'network',
      found: `missing, and ${trace.workload.name} exchanges data with other ranks (ops of kind collective: ${exchanges})`,
      remedy: `use a machine with a network, such as dgx1 or a100x4, or add one of ${networkNames().join(', ')}, or a file`,
    });
  for (const op of trace.ops) {
    if (op.kind !== 'matmul' && op.kind !== 'conv') continue;
    const format = operandFormat(trace, op);
    if (spec.math[mathOf(spec, format)] === undefined)
      problems.push({
        where: `op ${op.id}`,
        found: `${op.name} multiplies ${format}`,
        remedy: `this machine multiplies ${formats(spec).join(', ')}`,
      });
  }
  if (problems.length > 0) throw new InputError(problems.slice(0, LISTED));
  checkMemory(spec, trace);
}

/** Formats that a machine's pipes multiply, whatever they sum in. */
export function formats(spec: GpuSpec): string[] {
  return [...new Set(Object.keys(spec.math).map(operandsOf))];
}

/** Tensors that are there from the beginning to the end of a run. */
const RESIDENT: ReadonlySet<string> = new Set(['weight', 'input', 'output']);

/** Weights, what their updates keep and read, and the activations alive at a time must fit the memory. */
function checkMemory(spec: GpuSpec, trace: Trace): void {
  const kept = new Set(trace.ops.flatMap((op) => (op.kind === 'update' ? op.inputs : [])));
  const elsewhere = new Set(trace.ops.flatMap(otherEnd));
  let bytes = peakActivationBytes(trace);
  trace.tensors.forEach((tensor, id) => {
    if ((RESIDENT.has(tensor.role) && !elsewhere.has(id)) || kept.has(id)) bytes += tensorBytes(tensor);
  });
  const remedy = 'use a smaller batch or precision, --checkpointing in a training step, or a machine with more memory';
  refuseTooLarge(spec.memory, trace, bytes, remedy);
}

/** Tensors of a message that stand for those at its other end. */
function otherEnd(op: Op): readonly TensorId[] {
  if (op.kind !== 'collective') return [];
  return op.function === 'send' ? op.outputs : op.function === 'receive' ? op.inputs : [];
}
