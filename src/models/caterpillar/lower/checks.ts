import { InputError, type Problem } from '../../../errors.ts';
import type { DType, Op, Trace } from '../../../trace/trace.ts';
import { type CaterpillarSpec, wordBytes } from '../spec.ts';
import type { Group } from './groups.ts';
import { placeTensors } from './residency.ts';

/** Problems of one kind that are worth listing; the rest are alike. */
const LISTED = 20;

/**
 * Refuses exchanges with other machines, and products in formats that the PEs do not have unless the trace as a whole is in their format:
 * a layer that a network fixes at another one is then computed in it, and a note says so.
 */
export function refuseUnsupported(spec: CaterpillarSpec, trace: Trace): void {
  const problems = trace.ops.flatMap((op): Problem[] => {
    if (op.kind === 'collective')
      return [
        {
          where: `op ${op.id}`,
          found: `${op.kind} ${op.name}`,
          remedy: 'cores share a ring, but the machine has no link to others; use a trace without collectives',
        },
      ];
    if (op.kind !== 'matmul' && op.kind !== 'conv') return [];
    const formats = foreignFormats(spec, trace, op);
    if (formats.size === 0 || trace.workload.precision === spec.format) return [];
    return [
      {
        where: `op ${op.id}`,
        found: `${op.name} multiplies ${[...formats].join(' by ')}`,
        remedy: `this machine multiplies ${spec.format}; use --precision ${spec.format}`,
      },
    ];
  });
  if (problems.length > 0) throw new InputError(problems.slice(0, LISTED));
}

/** Formats of the operands of an op that are not the machine's. */
export function foreignFormats(spec: CaterpillarSpec, { tensors }: Trace, { inputs }: Op): ReadonlySet<DType> {
  return new Set(inputs.slice(0, 2).flatMap((id) => (tensors[id]!.dtype === spec.format ? [] : [tensors[id]!.dtype])));
}

/** Weights, what updates keep, and what is alive at a time must fit the off-chip memory. */
export function refuseTooLarge(spec: CaterpillarSpec, trace: Trace, groups: readonly Group[]): void {
  const { peakWords } = placeTensors(trace, groups, Number.MAX_SAFE_INTEGER);
  const bytes = peakWords * wordBytes(spec);
  if (bytes <= spec.memory.sizeGiB * 2 ** 30) return;
  throw InputError.of(
    `memory ${spec.memory.name}`,
    `${trace.workload.name} needs ${(bytes / 2 ** 30).toFixed(1)} GiB, the machine has ${spec.memory.sizeGiB} GiB`,
    'use a smaller batch, --checkpointing in a training step, or a larger memory.sizeGiB',
  );
}
