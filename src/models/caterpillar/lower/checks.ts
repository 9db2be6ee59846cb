import { InputError, type Problem } from '../../../errors.ts';
import type { DType, Op, Trace } from '../../../trace/trace.ts';
import { refuseTooLarge } from '../../memory-size.ts';
import { type CaterpillarSpec, wordBytes } from '../spec.ts';
import { type Demand, placeTensors } from './residency.ts';

/**
 * Refuses exchanges with other machines, and products in formats that the PEs do not have unless the trace as a whole is in their format:
 * a layer that a network fixes at another one is then computed in it, and a note says so.
 */
export function refuseUnsupported(spec: CaterpillarSpec, trace: Trace): void {
  const { name, precision } = trace.workload;
  const exchanges = trace.ops.filter(({ kind }) => kind === 'collective');
  const foreign = new Map<string, Op[]>();
  for (const op of precision === spec.format ? [] : trace.ops) {
    if (op.kind !== 'matmul' && op.kind !== 'conv') continue;
    const formats = [...foreignFormats(spec, trace, op)].join(' by ');
    if (formats !== '') foreign.set(formats, [...(foreign.get(formats) ?? []), op]);
  }
  const problems: Problem[] = [...foreign].map(([formats, ops]) => ({
    where: name,
    found: `${inAll(ops)} ${ops.length === 1 ? 'multiplies' : 'multiply'} ${formats}`,
    remedy: `this machine multiplies ${spec.format}; use --precision ${spec.format}`,
  }));
  if (exchanges.length > 0)
    problems.push({
      where: name,
      found: `${inAll(exchanges)} ${exchanges.length === 1 ? 'is an exchange' : 'are exchanges'} with other machines`,
      remedy: 'cores share a ring, but the machine has no link to others; use a trace without collectives',
    });
  if (problems.length > 0) throw new InputError(problems);
}

/** Ops that are alike: the first, and how many more. */
function inAll(ops: readonly Op[]): string {
  const more = ops.length - 1;
  return `${ops[0]!.name}${more === 0 ? '' : ` and ${more} more ${more === 1 ? 'op' : 'ops'}`}`;
}

/** Formats of the operands of an op that are not the machine's. */
export function foreignFormats(spec: CaterpillarSpec, { tensors }: Trace, { inputs }: Op): ReadonlySet<DType> {
  return new Set(inputs.slice(0, 2).flatMap((id) => (tensors[id]!.dtype === spec.format ? [] : [tensors[id]!.dtype])));
}

/** Weights, what updates keep, and what is alive at a time must fit the off-chip memory. */
export function checkMemory(spec: CaterpillarSpec, trace: Trace, demand: Demand): void {
  const { peakWords } = placeTensors(demand, Number.MAX_SAFE_INTEGER);
  const remedy = 'use a smaller batch, --checkpointing in a training step, or a larger memory.sizeGiB';
  refuseTooLarge(spec.memory, trace, peakWords * wordBytes(spec), remedy);
}
