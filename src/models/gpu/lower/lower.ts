import { elements, tensorBytes } from '../../../trace/facts.ts';
import { DTYPES, type TensorId, type Trace } from '../../../trace/trace.ts';
import { loadNetwork } from '../../../units/network/load.ts';
import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { cyclicHitRate } from '../units/reuse.ts';
import { mathOf, operandFormat, patternOf, refuseUnsupported } from './check.ts';
import { exchangesRead, type Transfer, transferOf } from './communicate.ts';
import { convolutionCandidates, type Formats, matmulCandidates } from './contraction.ts';
import type { Candidate } from './gemm.ts';
import { type Group, groupOps } from '../../../trace/groups.ts';
import { groupBytes, groupStream } from './passes.ts';
import { normKernels } from './norm.ts';
import { softmaxKernels } from './softmax.ts';
import { streamKernel } from './stream.ts';

/** One call to a library: ways to do it, of which the fastest is taken. */
export interface Call {
  readonly kind: 'call';
  /** Index of the op that is charged, and those that run with it. */
  readonly op: number;
  readonly fused: readonly number[];
  /** Ops of exchanges whose results it reads. */
  readonly waitsFor: readonly number[];
  /** Equal for calls that take equally long. */
  readonly key: string;
  readonly candidates: () => readonly Candidate[];
  /** Entry of the machine's math that multiplies; null: nothing does. */
  readonly math: string | null;
}

/** Calls and transfers of the trace of rank `rank`, in order. Throws InputError for what the machine cannot run. */
export function lower(spec: GpuSpec, trace: Trace, rank: number): (Call | Transfer)[] {
  refuseUnsupported(spec, trace);
  const topology = spec.network === undefined ? null : loadNetwork(spec.network);
  const exchanges = exchangesRead(trace);
  let before: Group | null = null;
  return groupOps(trace).map((group) => {
    const waitsFor = [...new Set(group.members.flatMap((index) => exchanges[index]!))];
    const lead = group.members[0]!;
    if (trace.ops[lead]!.kind === 'collective') return transferOf(topology!, trace, lead, waitsFor, rank);
    const call = lowerGroup(spec, trace, group, warmBytes(spec, trace, group, before));
    before = group;
    return { ...call, waitsFor };
  });
}

/** Bytes a group reads that the one before has left in L2. */
function warmBytes(spec: GpuSpec, trace: Trace, group: Group, before: Group | null): number {
  if (before === null) return 0;
  const lead = trace.ops[group.members[0]!]!;
  const bytesOf = (ids: readonly TensorId[]): number =>
    ids.reduce((sum, id) => sum + tensorBytes(trace.tensors[id]!), 0);
  const shared = bytesOf(lead.inputs.filter((id) => before.writes.includes(id)));
  const touched = bytesOf([...trace.ops[before.members[0]!]!.inputs, ...before.extraReads, ...before.writes]);
  return Math.round(shared * cyclicHitRate(touched, spec.l2.sizeKiB * 1024));
}

function lowerGroup(spec: GpuSpec, trace: Trace, group: Group, warm: number): Omit<Call, 'waitsFor'> {
  const ops = group.members.map((index) => trace.ops[index]!);
  const lead = ops[0]!;
  const shapes = (ids: readonly TensorId[]): string =>
    ids
      .map((id) => trace.tensors[id]!)
      .map(
        ({ shape, dtype, pattern }) =>
          `${shape.join('x')}${dtype}${pattern === undefined ? '' : JSON.stringify(pattern)}`,
      )
      .join();
  const { id: _id, name: _name, inputs, outputs: _outputs, ...facts } = lead;
  const key = [
    JSON.stringify(facts),
    ops
      .slice(1)
      .map((op) => (op.kind === 'elementwise' ? op.function : op.kind))
      .join(),
    shapes(inputs),
    shapes(group.extraReads),
    shapes(group.writes),
    warm,
  ].join(';');
  const call = { kind: 'call', op: group.members[0]!, fused: group.members.slice(1), key } as const;
  if (lead.kind === 'matmul' || lead.kind === 'conv') {
    // Weights of a training step change with every update and would have to be compressed anew; frameworks train with masks instead.
    const zeros = trace.workload.phase === 'inference' ? patternOf(trace, lead) : null;
    const math = mathOf(spec, operandFormat(trace, lead), zeros?.pattern);
    const formats: Formats = {
      operand: trace.tensors[inputs[0]!]!.dtype,
      result: trace.tensors[group.writes[0]!]!.dtype,
      math,
      sparse: zeros?.operand ?? null,
    };
    const resultBytes = tensorBytes(trace.tensors[group.writes[0]!]!);
    const readsResult = group.extraReads.some((id) => tensorBytes(trace.tensors[id]!) === resultBytes);
    const candidates = (): Candidate[] =>
      (lead.kind === 'matmul'
        ? matmulCandidates(spec, lead, formats, readsResult)
        : convolutionCandidates(spec, lead, formats)
      ).map((kernels) => warmed(kernels, warm));
    return { ...call, candidates, math };
  }
  return { ...call, candidates: () => [warmed(vectorKernels(spec, trace, group), warm)], math: null };
}

/** Kernels of a group that multiplies nothing: over rows where the results need sums of whole rows, else one pass over memory. */
function vectorKernels(spec: GpuSpec, trace: Trace, group: Group): readonly Kernel[] {
  const ops = group.members.map((index) => trace.ops[index]!);
  const lead = ops[0]!;
  const operand = trace.tensors[lead.inputs[0]!]!;
  const columns = lead.kind === 'softmax' ? lead.axisLength : (operand.shape.at(-1) ?? 1);
  const rows = {
    rows: elements(operand.shape) / columns,
    columns,
    elementBytes: DTYPES[operand.dtype] / 8,
    warmBytes: null,
  };
  if (ops.length === 1 && lead.phase === 'forward') {
    if (lead.kind === 'softmax') return softmaxKernels(spec, rows);
    if (lead.kind === 'norm' && lead.function === 'layer') return normKernels(spec, rows);
  }
  const bytes = groupBytes(trace, lead, group.extraReads, group.writes);
  return [streamKernel(spec, groupStream(trace, ops, bytes))];
}

/** The same kernels when so many bytes of what the first one reads are in L2. */
function warmed(kernels: Candidate, bytes: number): Candidate {
  if (bytes === 0) return kernels;
  return kernels.map((kernel, index): Kernel => {
    if (index > 0) return kernel;
    const offChipLoadBytes = (resident: number): number => Math.max(0, kernel.offChipLoadBytes(resident) - bytes);
    return { ...kernel, offChipLoadBytes };
  });
}
