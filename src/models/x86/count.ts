import { type Access, ACTIONS, type Action, type ActionUse } from '../../events/events.ts';
import type { MathFormat } from './lower/gemm-code.ts';
import { WIDEST } from './lower/isa.ts';
import type { Level } from './lower/nest.ts';
import { COMPONENTS, type SystemSpec } from './system.ts';
import { LINE_BYTES } from './units/caches.ts';
import type { Pipeline } from './units/pipeline.ts';
import type { TimedWay } from './units/way-time.ts';

/** Places of COMPONENTS; the off-chip memory follows under its own name. */
const PIPELINE = 0;
const VECTOR_UNITS = 1;
const L1 = 2;
const MEMORY = 5;
const OPERATION = ACTIONS.indexOf('vector.op');
const READ = ACTIONS.indexOf('read');
const WRITE = ACTIONS.indexOf('write');

const MAC_ACTIONS: Readonly<Record<MathFormat, Action>> = {
  fp32: 'mac.fp32',
  fp64: 'mac.fp64',
  int8: 'mac.int8',
  int16: 'mac.int16',
};

export function componentNames({ memory }: SystemSpec): string[] {
  return [...COMPONENTS, memory.name];
}

/** Every action that a run may count. */
export function usesOf(system: SystemSpec, formats: ReadonlySet<MathFormat>): ActionUse[] {
  const uses: ActionUse[] = [
    { component: 'pipeline', action: 'vector.op' },
    { component: 'vectorUnits', action: 'vector.op' },
  ];
  for (const format of formats) uses.push({ component: 'vectorUnits', action: MAC_ACTIONS[format] });
  for (const component of componentNames(system).slice(L1))
    uses.push({ component, action: 'read' }, { component, action: 'write' });
  return uses;
}

/**
 * Actions of a call on all cores. Instructions pass the pipeline; loads and stores meet the first level; each line from a level is read
 * there and filled into those nearer, written lines go back as far as they came from. Vector operations besides multiply-adds count
 * one per lane of 32 bits.
 */
export function accessesOf(
  { way }: TimedWay,
  macs: number,
  format: MathFormat | null,
  pipeline: Pipeline,
  system: SystemSpec,
): Access[] {
  const vectorBytes = WIDEST[system.vectors] / 8;
  let instructions = 0;
  let operations = 0;
  const reads = [0, 0, 0, 0];
  const writes = [0, 0, 0, 0];
  for (const { code, steps, streams, role } of way.nests) {
    const bodies = (steps / code.steps) * way.share;
    const timing = pipeline(code);
    instructions += bodies * timing.instructions;
    reads[0]! += bodies * timing.loadBytes;
    writes[0]! += bodies * timing.stores * vectorBytes;
    if (role !== 'multiply')
      operations += bodies * (timing.microOps - timing.loads - 2 * timing.stores) * (vectorBytes / 4);
    for (const { lines, level, pattern } of streams) {
      const bytes = lines * LINE_BYTES * way.share;
      const isWritten = pattern === 'write' || pattern === 'stream';
      const isFetched = pattern !== 'stream' || level < 3;
      for (let nearer: number = level; nearer > 0; nearer -= 1) {
        if (isFetched) reads[nearer]! += bytes;
        if (isFetched) writes[nearer - 1]! += bytes;
        if (isWritten) writes[nearer]! += bytes;
      }
    }
  }
  const accesses: Access[] = [
    { component: PIPELINE, action: OPERATION, count: Math.round(instructions), bytes: 0 },
    { component: VECTOR_UNITS, action: OPERATION, count: Math.round(Math.max(0, operations)), bytes: 0 },
  ];
  if (format !== null)
    accesses.push({ component: VECTOR_UNITS, action: ACTIONS.indexOf(MAC_ACTIONS[format]), count: macs, bytes: 0 });
  reads.forEach((bytes, level) => accesses.push(moved(L1 + level, READ, bytes, level as 0 | Level)));
  writes.forEach((bytes, level) => accesses.push(moved(L1 + level, WRITE, bytes, level as 0 | Level)));
  return accesses.filter(({ count, component }) => count > 0 && component <= MEMORY);
}

function moved(component: number, action: number, bytes: number, level: 0 | Level): Access {
  const whole = Math.ceil(bytes);
  return { component, action, count: Math.ceil(whole / (level === 0 ? 32 : LINE_BYTES)), bytes: whole };
}
