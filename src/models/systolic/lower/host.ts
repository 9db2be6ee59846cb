import { tensorBytes } from '../../../trace/facts.ts';
import type { TensorId, Trace } from '../../../trace/trace.ts';
import { HOST_IN, HOST_OUT, WAIT_HOST, WAIT_LOAD, WAIT_STORE, WAIT_VECTOR, withWait } from '../program.ts';
import { access, type Builder, emit } from './builder.ts';
import type { Group } from './groups.ts';
import type { Placement } from './place.ts';
import { load, store } from './transfer.ts';

/**
 * All inputs cross the host link before the first op, those that find no room on the chip on to off-chip memory; returns which they
 * are. Weights may be fetched meanwhile.
 */
export function receiveInputs(
  builder: Builder,
  trace: Trace,
  groups: readonly Group[],
  placement: Placement,
): ReadonlySet<TensorId> {
  const received = new Set<TensorId>();
  if (builder.spec.hostLink === null) return received;
  const { hostLink, inputs } = builder.components;
  for (const group of groups) {
    for (const id of group.inputs.flatMap(placement.roots)) {
      if (trace.tensors[id]!.role !== 'input' || received.has(id)) continue;
      received.add(id);
      const bytes = tensorBytes(trace.tensors[id]!);
      const accesses = [access(hostLink, 'read', 1, bytes), access(inputs, 'write', 1, bytes)];
      emit(builder, [
        builder.instruction({ lane: HOST_IN, op: group.members[0]!, cycles: builder.hostCycles(bytes), accesses }),
      ]);
      if (placement.offChip.has(id))
        emit(builder, [store(builder, group.members[0]!, bytes, withWait([], WAIT_HOST, 0))]);
    }
  }
  return received;
}

/** A result goes to the host once the vector unit has written it, or from off-chip memory once it is there. */
export function sendResult(builder: Builder, trace: Trace, id: TensorId, group: Group, offChip: boolean): void {
  const bytes = tensorBytes(trace.tensors[id]!);
  const { hostLink, outputs } = builder.components;
  if (offChip) emit(builder, [load(builder, group.members[0]!, bytes, outputs, withWait([], WAIT_STORE, 0))]);
  emit(builder, [
    builder.instruction({
      lane: HOST_OUT,
      op: group.members[0]!,
      cycles: builder.hostCycles(bytes),
      waits: withWait([], offChip ? WAIT_LOAD : WAIT_VECTOR, 0),
      accesses: [access(outputs, 'read', 1, bytes), access(hostLink, 'write', 1, bytes)],
    }),
  ]);
}
