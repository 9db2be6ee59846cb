import { ACTIONS, type Action, type ActionUse, type Observer } from '../../events/events.ts';
import type { Job } from './program.ts';
import { COMPONENTS, type CaterpillarSpec, coreCount, wordBytes } from './spec.ts';
import type { CoreCounts } from './units/core.ts';

/** Places of COMPONENTS; the off-chip memory follows under its own name. */
const [FMAC, REGISTERS, MEMORY_A, MEMORY_B, BUSES, LINKS, RING] = [0, 1, 2, 3, 4, 5, 6];
const OFF_CHIP = COMPONENTS.length;

const MACS = { fp16: 'mac.fp16', fp32: 'mac.fp32' } as const;
const READ = ACTIONS.indexOf('read');
const WRITE = ACTIONS.indexOf('write');
const TRANSFER = ACTIONS.indexOf('transfer');
const VECTOR_OP = ACTIONS.indexOf('vector.op');

export function componentNames({ memory }: CaterpillarSpec): string[] {
  return [...COMPONENTS, memory.name];
}

/** Every action that a run can count. */
export function usesOf(spec: CaterpillarSpec): ActionUse[] {
  const of = (component: string, ...actions: readonly Action[]): ActionUse[] =>
    actions.map((action) => ({ component, action }));
  return [
    ...of('fmac', MACS[spec.format], 'vector.op'),
    ...of('memoryA', 'read', 'write'),
    ...of('memoryB', 'read', 'write'),
    ...['registers', 'buses', 'links', 'ring'].flatMap((component) => of(component, 'transfer')),
    ...of(spec.memory.name, 'read', 'write'),
  ];
}

/** Counts what a job does: programs of all PEs of its cores, passes over elements, what goes round the ring and off the chip. */
export function countJob(
  spec: CaterpillarSpec,
  observer: Observer,
  job: Job,
  run: CoreCounts,
  cores: number,
  ringWords: number,
): void {
  const pes = cores * spec.core.size ** 2;
  const bytes = wordBytes(spec);
  const count = (component: number, action: number, times: number, moved: number): void => {
    if (times > 0) observer.access(component, job.op, action, Math.round(times), Math.round(moved));
  };
  const words = (component: number, action: number, number: number): void =>
    count(component, action, number, number * bytes);
  const { vector } = job;
  count(FMAC, ACTIONS.indexOf(MACS[spec.format]), run.fmacs * pes, 0);
  count(FMAC, VECTOR_OP, vector?.operations ?? 0, 0);
  words(REGISTERS, TRANSFER, run.fmacs * pes + (vector?.operations ?? 0));
  words(MEMORY_A, READ, run.readsA * pes + (vector?.wordsRead ?? 0));
  words(MEMORY_A, WRITE, run.writesA * pes + (vector?.wordsWritten ?? 0));
  words(MEMORY_B, READ, run.readsB * pes);
  words(MEMORY_B, WRITE, run.writesB * pes);
  words(BUSES, TRANSFER, run.busWords * pes);
  words(LINKS, TRANSFER, run.linkWords * pes);
  words(RING, TRANSFER, ringWords);
  const burst = spec.core.size * coreCount(spec) * bytes;
  const readBytes = job.weightReadBytes + job.operandReadBytes;
  count(OFF_CHIP, READ, Math.ceil(readBytes / burst), readBytes);
  count(OFF_CHIP, WRITE, Math.ceil(job.writeBytes / burst), job.writeBytes);
}
