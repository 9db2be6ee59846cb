import { InputError, type Problem } from '../../../errors.ts';
import { tensorBytes } from '../../../trace/facts.ts';
import { peakActivationBytes } from '../../../trace/memory.ts';
import type { Op, Trace } from '../../../trace/trace.ts';
import { refuseTooLarge } from '../../memory-size.ts';
import type { SystemSpec } from '../system.ts';
import type { MathFormat } from './gemm-code.ts';

/** Problems of one kind that are worth listing; the rest are alike. */
const LISTED = 20;

const FORMATS: readonly MathFormat[] = ['fp32', 'fp64', 'int8', 'int16'];

/** Format that a contraction multiplies in, bytes times words as words; null: none that kernels have. */
export function mathFormat({ tensors }: Trace, op: Op): MathFormat | null {
  const [left, right] = [tensors[op.inputs[0]!]!.dtype, tensors[op.inputs[1]!]!.dtype];
  if (left !== right) return [left, right].every((dtype) => dtype === 'int8' || dtype === 'int16') ? 'int16' : null;
  return FORMATS.find((format) => format === left) ?? null;
}

/** Refuses what the machine cannot run: formats without kernels, exchanges with other machines, tensors beyond its memory. */
export function refuseUnsupported({ vectors, memory }: SystemSpec, trace: Trace): void {
  const problems: Problem[] = [];
  for (const op of trace.ops) {
    if (op.kind === 'collective')
      problems.push({
        where: `op ${op.id}`,
        found: `${op.name} exchanges data with other ranks, and this machine has no network`,
        remedy: 'leave out --parallel, or use a machine with a network, such as dgx1',
      });
    if (op.kind !== 'matmul' && op.kind !== 'conv') continue;
    const format = mathFormat(trace, op);
    if (format === null || (format === 'fp64' && vectors === 'sse')) {
      const [left, right] = [trace.tensors[op.inputs[0]!]!.dtype, trace.tensors[op.inputs[1]!]!.dtype];
      problems.push({
        where: `op ${op.id}`,
        found: `${op.name} multiplies ${left === right ? left : `${right}/${left}`}`,
        remedy: `this machine multiplies ${FORMATS.join(', ')}, and int8 with int16`,
      });
    }
  }
  if (problems.length > 0) throw new InputError(problems.slice(0, LISTED));
  const kept = new Set(trace.ops.flatMap((op) => (op.kind === 'update' ? op.inputs : [])));
  let bytes = peakActivationBytes(trace);
  trace.tensors.forEach((tensor, id) => {
    if (['weight', 'input', 'output'].includes(tensor.role) || kept.has(id)) bytes += tensorBytes(tensor);
  });
  const remedy = 'use a smaller batch or precision, --checkpointing in a training step, or a machine with more memory';
  refuseTooLarge(memory, trace, bytes, remedy);
}
