import type { Trace } from '../../../trace/trace.ts';
import { type Node, type Program, repeat } from '../program.ts';
import type { SystolicSpec } from '../spec.ts';
import { type Builder, createBuilder } from './builder.ts';
import { checkMemory, doesNotFit, refuseUnsupported, spillNotes } from './checks.ts';
import { type Group, groupOps } from './groups.ts';
import { lowerOps } from './ops.ts';
import { type Placement, placeTensors, viewRoots } from './place.ts';
import { withBatch } from './sub-batch.ts';

/** Trace and machine to program. Pure. Throws InputError when something does not fit or cannot run. */
export function lower(trace: Trace, spec: SystolicSpec): Program {
  refuseUnsupported(trace);
  const groups = groupOps(trace, spec.vectorUnit.fuseBinary);
  checkMemory(trace, spec, groups);
  const fusedInto = new Map<number, number>();
  for (const {
    members: [lead, ...others],
  } of groups)
    for (const member of others) fusedInto.set(member, lead!);
  const builder = createBuilder(spec);
  if (spec.buffer.kind === 'scratchpads') {
    const placement = { offChip: new Set(trace.tensors.keys()), peakBytes: 0, misfits: [], roots: viewRoots(trace) };
    const nodes = lowerOps(builder, trace, groups, placement);
    return { nodes, uses: builder.uses(), peakUseBytes: {}, fusedInto, notes: [] };
  }
  const sizeBytes = spec.buffer.sizeKiB * 1024;
  const placement = placeTensors(trace, groups, sizeBytes);
  // What the backward pass needs again can only wait off the chip, whatever the machine does in inference.
  const spills = spec.buffer.overflow === 'spill' || trace.workload.phase === 'training';
  if (placement.misfits.length > 0 && !spills) {
    const parts = spec.buffer.overflow === 'error' ? null : splitBatch(builder, trace, groups, sizeBytes);
    if (parts === null) throw doesNotFit(trace, placement, sizeBytes);
    return { ...parts, fusedInto };
  }
  const nodes = lowerOps(builder, trace, groups, placement);
  return {
    nodes,
    uses: builder.uses(),
    peakUseBytes: { unifiedBuffer: placement.peakBytes },
    fusedInto,
    notes: spillNotes(trace, placement),
  };
}

/**
 * Runs the batch in parts, one after the other; null if no part fits. As few as fit the buffer; equal ones, which one compiled
 * program serves, where that takes at most half as many again.
 */
function splitBatch(
  builder: Builder,
  whole: Trace,
  groups: readonly Group[],
  sizeBytes: number,
): Omit<Program, 'fusedInto'> | null {
  const { batch } = whole.workload;
  const part = (size: number): { trace: Trace; placement: Placement } | null => {
    const trace = withBatch(whole, size);
    if (trace === null) return null;
    const placement = placeTensors(trace, groups, sizeBytes);
    return placement.misfits.length === 0 ? { trace, placement } : null;
  };
  let [fits, tooLarge] = [0, batch];
  while (tooLarge - fits > 1) {
    const middle = Math.floor((fits + tooLarge) / 2);
    if (part(middle) === null) tooLarge = middle;
    else fits = middle;
  }
  if (fits === 0) return null;
  const fewest = Math.ceil(batch / fits);
  let equal = fewest;
  while (batch % equal !== 0) equal++;
  const size = Math.ceil(batch / (equal <= 1.5 * fewest ? equal : fewest));
  const full = part(size)!;
  const times = Math.floor(batch / size);
  const rest = batch - times * size;
  const nodes: Node[] = [...repeat(lowerOps(builder, full.trace, groups, full.placement), times)];
  if (rest > 0) {
    const last = part(rest)!;
    nodes.push(...lowerOps({ ...builder, nodes: [], vectorsIssued: 0 }, last.trace, groups, last.placement));
  }
  const note =
    `The batch of ${batch} does not fit the unified buffer; it runs as ${times} x ${size}${rest > 0 ? ` + ${rest}` : ''} samples, ` +
    'and every part fetches all weights again.';
  return { nodes, uses: builder.uses(), peakUseBytes: { unifiedBuffer: full.placement.peakBytes }, notes: [note] };
}
