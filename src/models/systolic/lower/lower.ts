import { InputError } from '../../../errors.ts';
import { tensorBytes } from '../../../trace/facts.ts';
import type { TensorId, Trace } from '../../../trace/trace.ts';
import { HOST_IN, HOST_OUT, type Node, type Program, repeat, WAIT_HOST, WAIT_RESULT, WAIT_STORE, WAIT_VECTOR } from '../program.ts';
import type { SystolicSpec } from '../spec.ts';
import { withWait } from './block.ts';
import { access, type Builder, createBuilder, emit } from './builder.ts';
import { lowerContraction, type Progress, type Readiness } from './contraction.ts';
import { type Group, groupOps } from './groups.ts';
import { toGemm } from './gemm.ts';
import { concatParts, type Placement, placeTensors, viewRoots } from './place.ts';
import { withBatch } from './sub-batch.ts';
import { lowerVectorOp } from './vector-op.ts';

const KIB = 1024;

/** Trace and machine to program. Pure. Throws InputError when something does not fit or cannot run. */
export function lower(trace: Trace, spec: SystolicSpec): Program {
  refuseUnsupported(trace);
  checkMemory(trace, spec);
  const groups = groupOps(trace, spec.vectorUnit.fuseBinary);
  const fusedInto = new Map<number, number>();
  for (const group of groups) for (const member of group.members.slice(1)) fusedInto.set(member, group.members[0]!);
  const builder = createBuilder(spec);
  if (spec.buffer.kind === 'scratchpads') {
    const offChip = new Set(trace.tensors.keys());
    const placement = { offChip, peakBytes: 0, misfits: [], roots: viewRoots(trace) };
    const nodes = lowerTrace(builder, trace, groups, placement);
    return { nodes, peakUseBytes: {}, fusedInto, notes: [] };
  }
  const sizeBytes = spec.buffer.sizeKiB * KIB;
  const whole = placeTensors(trace, groups, sizeBytes);
  if (whole.misfits.length === 0 || spec.buffer.overflow === 'spill') {
    const nodes = lowerTrace(builder, trace, groups, whole);
    return { nodes, peakUseBytes: { unifiedBuffer: whole.peakBytes }, fusedInto, notes: spillNotes(trace, whole) };
  }
  if (spec.buffer.overflow === 'error') throw doesNotFit(trace, whole, sizeBytes);
  return splitBatch(builder, trace, groups, fusedInto, whole, sizeBytes);
}

/** Halves the batch until it fits the buffer, and runs one part after the other. */
function splitBatch(
  builder: Builder, trace: Trace, groups: readonly Group[], fusedInto: Program['fusedInto'],
  whole: Placement, sizeBytes: number,
): Program {
  const { batch } = trace.workload;
  const fits = (size: number): { part: Trace; placement: Placement } | null => {
    const part = withBatch(trace, size);
    if (part === null) return null;
    const placement = placeTensors(part, groups, sizeBytes);
    return placement.misfits.length === 0 ? { part, placement } : null;
  };
  let parts = 2;
  while (parts < batch && fits(Math.ceil(batch / parts)) === null) parts *= 2;
  const size = Math.ceil(batch / parts);
  const full = fits(size);
  if (full === null) throw doesNotFit(trace, whole, sizeBytes);
  const times = Math.floor(batch / size);
  const rest = batch - times * size;
  const nodes: Node[] = [...repeat(lowerTrace(builder, full.part, groups, full.placement), times)];
  if (rest > 0) nodes.push(...lowerTrace(createBuilderAfter(builder), withBatch(trace, rest)!, groups, fits(rest)!.placement));
  const note = `The batch of ${batch} does not fit the unified buffer; it runs as ${times} x ${size}${rest > 0 ? ` + ${rest}` : ''} samples, ` +
    'and every part fetches all weights again.';
  return { nodes, peakUseBytes: { unifiedBuffer: full.placement.peakBytes }, fusedInto, notes: [note] };
}

/** A builder for another part of the program: fresh nodes, instruction identities that go on. */
function createBuilderAfter(builder: Builder): Builder {
  return { ...builder, nodes: [], vectorsIssued: 0 };
}

function lowerTrace(builder: Builder, trace: Trace, groups: readonly Group[], placement: Placement): readonly Node[] {
  const { spec } = builder;
  const offChip = (id: TensorId): boolean => placement.roots(id).some((root) => placement.offChip.has(root)) ||
    (spec.hostLink === null && placement.roots(id).some((root) => trace.tensors[root]!.role === 'input'));
  const ready = new Map<TensorId, { vectors: number; progress: Progress; stored: boolean }>();
  const fromHost = hostInputs(builder, trace, groups, placement);
  const partsOf = concatParts(trace);
  for (const group of groups) {
    const lead = trace.ops[group.members[0]!]!;
    const readiness = combine(group.inputs.flatMap((id) => [...placement.roots(id)]), ready, fromHost);
    const outputOffChip = offChip(group.output) || (spec.hostLink === null && trace.tensors[group.output]!.role === 'output');
    let progress: Progress = { allButLastVectors: 0, allButLastShare: 0 };
    if (lead.kind === 'matmul' || lead.kind === 'conv') {
      const gemm = toGemm(trace, lead, spec, partsOf);
      const extra = group.inputs.filter((id) => !lead.inputs.includes(id));
      progress = lowerContraction(builder, group.members[0]!, gemm, readiness, {
        streamedOffChip: gemm.streamed.isWeight || offChip(gemm.streamed.tensor),
        stationaryOffChip: gemm.stationary.isWeight || offChip(gemm.stationary.tensor),
        outputOffChip,
        extraOffChipBytes: extra.reduce((sum, id) => sum + (offChip(id) ? tensorBytes(trace.tensors[id]!) : 0), 0),
      }, extra.length);
    } else {
      lowerVectorOp(builder, trace, group, (id) => (id === group.output ? outputOffChip : offChip(id)), vectorWaits(builder, readiness));
    }
    ready.set(group.output, { vectors: builder.vectorsIssued, progress, stored: outputOffChip });
    if (spec.hostLink !== null && isOutput(trace, group.output, placement)) emit(builder, [hostOutput(builder, trace, group)]);
  }
  return builder.nodes;
}

function isOutput(trace: Trace, id: TensorId, placement: Placement): boolean {
  if (trace.tensors[id]!.role === 'output') return true;
  return trace.tensors.some((tensor, other) => tensor.role === 'output' && other !== id && placement.roots(other).includes(id));
}

/** Inputs cross the host link first; weights may be prefetched meanwhile. */
function hostInputs(builder: Builder, trace: Trace, groups: readonly Group[], placement: Placement): ReadonlySet<TensorId> {
  const inputs = new Set<TensorId>();
  for (const group of groups) {
    for (const input of group.inputs) {
      for (const id of placement.roots(input)) {
        if (trace.tensors[id]!.role !== 'input' || inputs.has(id) || builder.spec.hostLink === null) continue;
        inputs.add(id);
        const bytes = tensorBytes(trace.tensors[id]!);
        const { hostLink, inputs: buffer } = builder.components;
        const accesses = [access(hostLink, 'read', 1, bytes), access(buffer, 'write', 1, bytes)];
        emit(builder, [builder.instruction({ lane: HOST_IN, op: group.members[0]!, cycles: builder.hostCycles(bytes), accesses })]);
      }
    }
  }
  return inputs;
}

function hostOutput(builder: Builder, trace: Trace, group: Group): Node {
  const bytes = tensorBytes(trace.tensors[group.output]!);
  const { hostLink, outputs } = builder.components;
  return builder.instruction({
    lane: HOST_OUT,
    op: group.members[0]!,
    cycles: builder.hostCycles(bytes),
    waits: withWait([], WAIT_VECTOR, 0),
    accesses: [access(outputs, 'read', 1, bytes), access(hostLink, 'write', 1, bytes)],
  });
}

/** When all of several tensors are there. */
function combine(
  ids: readonly TensorId[],
  ready: ReadonlyMap<TensorId, { vectors: number; progress: Progress; stored: boolean }>,
  fromHost: ReadonlySet<TensorId>,
): Readiness {
  let vectors = 0;
  let progress: Progress = { allButLastVectors: 0, allButLastShare: 0 };
  let stored = false;
  for (const id of ids) {
    const producer = ready.get(id);
    if (producer === undefined) continue;
    stored ||= producer.stored;
    if (producer.vectors > vectors) {
      // Only the producer that ends last can still be under way when its reader starts.
      progress = producer.progress.allButLastVectors >= vectors ? producer.progress : { allButLastVectors: 0, allButLastShare: 0 };
      vectors = producer.vectors;
    }
  }
  return { vectors, ...progress, fromHost: ids.some((id) => fromHost.has(id)), fromStore: stored };
}

function vectorWaits(builder: Builder, readiness: Readiness): readonly (number | undefined)[] {
  let waits: readonly (number | undefined)[] = [];
  if (readiness.vectors > 0) waits = withWait(waits, WAIT_RESULT, builder.vectorsIssued - readiness.vectors);
  if (readiness.fromHost) waits = withWait(waits, WAIT_HOST, 0);
  if (readiness.fromStore) waits = withWait(waits, WAIT_STORE, 0);
  return waits;
}

function refuseUnsupported(trace: Trace): void {
  const problems = trace.ops
    .filter((op) => op.kind === 'collective')
    .map((op) => ({ where: `op ${op.id}`, found: `${op.kind} ${op.name}`, remedy: 'a systolic machine has no collective network; use a trace without collectives' }));
  if (problems.length > 0) throw new InputError(problems.slice(0, 20));
}

function checkMemory(trace: Trace, spec: SystolicSpec): void {
  let bytes = 0;
  for (const tensor of trace.tensors) if (tensor.role === 'weight' || spec.memory.holds === 'all') bytes += tensorBytes(tensor);
  const limit = spec.memory.sizeGiB * KIB ** 3;
  if (bytes > limit) {
    throw InputError.of(
      `memory ${spec.memory.name}`,
      `${trace.workload.name} needs ${(bytes / KIB ** 3).toFixed(1)} GiB, the machine has ${spec.memory.sizeGiB} GiB`,
      'use a smaller batch or precision, or a larger memory.sizeGiB',
    );
  }
}

function doesNotFit(trace: Trace, placement: Placement, sizeBytes: number): InputError {
  return new InputError(
    placement.misfits.slice(0, 5).map((id) => {
      const tensor = trace.tensors[id]!;
      return {
        where: `tensor ${tensor.name} [${tensor.shape.join(', ')}] ${tensor.dtype}`,
        found: `${(tensorBytes(tensor) / KIB / KIB).toFixed(1)} MiB find no room in the ${(sizeBytes / KIB / KIB).toFixed(1)} MiB unified buffer`,
        remedy: 'use a smaller batch, a narrower precision, a larger buffer.sizeKiB, or buffer.overflow=spill with a memory that holds all',
      };
    }),
  );
}

function spillNotes(trace: Trace, placement: Placement): string[] {
  if (placement.misfits.length === 0) return [];
  const bytes = placement.misfits.reduce((sum, id) => sum + tensorBytes(trace.tensors[id]!), 0);
  const tensors = placement.misfits.length === 1 ? '1 tensor' : `${placement.misfits.length} tensors`;
  return [`${tensors} (${(bytes / KIB / KIB).toFixed(1)} MiB) do not fit the on-chip buffer and go through off-chip memory.`];
}
