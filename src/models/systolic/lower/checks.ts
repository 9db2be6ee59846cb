import { InputError } from '../../../errors.ts';
import { tensorBytes } from '../../../trace/facts.ts';
import type { Trace } from '../../../trace/trace.ts';
import { refuseTooLarge } from '../../memory-size.ts';
import type { SystolicSpec } from '../spec.ts';
import type { Group } from './groups.ts';
import { keptTensors, type Placement, placeTensors } from './place.ts';

/** Problems of one kind that are worth listing; the rest are alike. */
const LISTED = 20;

export function refuseUnsupported(trace: Trace): void {
  const problems = trace.ops
    .filter((op) => op.kind === 'collective')
    .map((op) => ({
      where: `op ${op.id}`,
      found: `${op.kind} ${op.name}`,
      remedy: 'a systolic machine has no collective network; use a trace without collectives',
    }));
  if (problems.length > 0) throw new InputError(problems.slice(0, LISTED));
}

/**
 * Weights, what their updates keep, and where activations live off the chip too as many of them as are alive at a time, must fit the
 * memory.
 */
export function checkMemory(trace: Trace, spec: SystolicSpec, groups: readonly Group[]): void {
  const kept = keptTensors(trace);
  let bytes = 0;
  trace.tensors.forEach((tensor, id) => {
    if (tensor.role === 'weight' || kept.has(id)) bytes += tensorBytes(tensor);
  });
  if (spec.memory.holds === 'all' || trace.workload.phase === 'training')
    bytes += placeTensors(trace, groups, Number.POSITIVE_INFINITY).peakBytes;
  const remedy = 'use a smaller batch or precision, or a larger memory.sizeGiB';
  refuseTooLarge(spec.memory, trace, bytes, remedy);
}

export function doesNotFit(trace: Trace, { misfits }: Placement, sizeBytes: number): InputError {
  const problems = misfits.slice(0, LISTED).map((id) => {
    const tensor = trace.tensors[id]!;
    return {
      where: `tensor ${tensor.name} [${tensor.shape.join(', ')}] ${tensor.dtype}`,
      found: `${mebibytes(tensorBytes(tensor))} find no room in the ${mebibytes(sizeBytes)} unified buffer`,
      remedy:
        'use a smaller batch, a narrower precision, a larger buffer.sizeKiB, or buffer.overflow=spill with a memory that holds all',
    };
  });
  return new InputError(problems);
}

export function spillNotes(trace: Trace, { misfits }: Placement): string[] {
  if (misfits.length === 0) return [];
  const bytes = misfits.reduce((sum, id) => sum + tensorBytes(trace.tensors[id]!), 0);
  const tensors = misfits.length === 1 ? '1 tensor does' : `${misfits.length} tensors do`;
  return [`${tensors} not fit the on-chip buffer (${mebibytes(bytes)} in all) and go through off-chip memory.`];
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
