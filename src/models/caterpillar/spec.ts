import { z } from 'zod';
import { energySpec } from '../../energy/spec.ts';
import { MAX_RANKS } from '../../units/network/spec.ts';
import { DTYPES } from '../../trace/trace.ts';
import type { CoreTiming } from './micro/program.ts';
import type { RingSpec } from './units/ring.ts';
import { refuseTakenName } from '../memory-name.ts';

/** Upper limits keep an absurd file from hanging or exhausting the machine that runs the simulator. */
const count = (max: number) => z.number().int().min(1).max(max);
const positive = (max: number) => z.number().gt(0).max(max);
/** Speeds: what is slower by orders of magnitude than any machine takes more cycles than numbers hold. */
const speed = (max: number) => z.number().min(1e-3).max(max);
const cycles = (max: number) => z.number().int().min(0).max(max);
const MAX_ROWS = 16;
const MAX_SIZE = 64;

const fields = z.strictObject({
  clockMHz: speed(1e5),
  /** Number format of every word: operands, sums and weights alike. */
  format: z.enum(['fp16', 'fp32']),
  /** Rings of cores: so many rows of so many; rows and columns are rings, and all cores together form one. */
  rings: z.strictObject({ rows: count(MAX_ROWS), columns: count(MAX_RANKS), hopCycles: count(100) }),
  /** PEs on each side of a core. A tile that memory A reads and writes takes four cycles. */
  core: z.strictObject({ size: z.number().int().min(4).max(MAX_SIZE) }),
  pe: z.strictObject({
    fmacLatencyCycles: count(64),
    /** From the end of a multiply-add until its result can be on a bus. */
    readoutCycles: count(16),
    /** One port. */
    memoryAKiB: positive(2 ** 20),
    /** Words that one access reads or writes; updates need a line of two, or weights would come and go in two cycles each. */
    memoryALineWords: z.number().int().min(2).max(64),
    /** Two ports. */
    memoryBKiB: positive(2 ** 20),
  }),
  /** Special functions: one unit in each PE of a core's diagonal, which takes a word a cycle. */
  functions: z.strictObject({ latencyCycles: cycles(1000) }),
  memory: z.strictObject({
    name: z.string().regex(/^[a-zA-Z][a-zA-Z0-9]*$/),
    sizeGiB: positive(1e6),
    bandwidthGBps: speed(1e9),
    latencyNs: positive(1e6),
  }),
  /** What makes up `energy.areaMm2`. */
  area: z.strictObject({
    sramMm2PerKiB: positive(1),
    /** A memory with two ports over one of the same capacity with one. */
    secondPortFactor: z.number().min(1).max(10),
    /** Multiply-add, registers, sequencer and bus drivers of a PE. */
    logicMm2PerPe: positive(10),
  }),
  energy: energySpec,
});

export type CaterpillarSpec = z.infer<typeof fields>;

/** Parts of every machine that reports name; the off-chip memory has a name of its own. */
export const COMPONENTS = ['fmac', 'registers', 'memoryA', 'memoryB', 'buses', 'links', 'ring'] as const;

/** What must hold between fields. */
export const caterpillarSpec = fields.superRefine((spec, context) => {
  refuseTakenName(spec, COMPONENTS, context);
  const { rows, columns } = spec.rings;
  if (rows <= MAX_ROWS && columns <= MAX_RANKS && rows * columns > MAX_RANKS)
    context.addIssue({
      code: 'custom',
      path: ['rings', 'columns'],
      message: `use at most ${MAX_RANKS} cores: ${rows} x ${columns} are ${rows * columns}`,
    });
  for (const name of ['memoryAKiB', 'memoryBKiB'] as const) {
    // Two panels of B as deep as a core is wide, and some room to work in.
    const least = (16 * spec.core.size * wordBytes(spec)) / 1024;
    if (spec.core.size <= MAX_SIZE && spec.pe[name] < least)
      context.addIssue({
        code: 'custom',
        path: ['pe', name],
        message: `use at least ${least} KiB for this size of core`,
      });
  }
});

type Parts = Pick<CaterpillarSpec, 'rings' | 'core' | 'pe' | 'format'>;

export function wordBytes({ format }: Pick<Parts, 'format'>): number {
  return DTYPES[format] / 8;
}

export function coreCount({ rings }: Pick<Parts, 'rings'>): number {
  return rings.rows * rings.columns;
}

export function peCount(spec: Pick<Parts, 'rings' | 'core'>): number {
  return coreCount(spec) * spec.core.size ** 2;
}

export function coreTiming({ core, pe }: Pick<Parts, 'core' | 'pe'>): CoreTiming {
  return { size: core.size, fmacLatencyCycles: pe.fmacLatencyCycles, readoutCycles: pe.readoutCycles };
}

/** A link between cores goes on with every bus of a core. */
export function ringSpec({ rings, core }: Pick<Parts, 'rings' | 'core'>): RingSpec {
  return { wordsPerCycle: core.size, hopCycles: rings.hopCycles };
}

/** Words of memory A and B of a PE. */
export function wordsA(spec: Parts): number {
  return Math.floor((spec.pe.memoryAKiB * 1024) / wordBytes(spec));
}
export function wordsB(spec: Parts): number {
  return Math.floor((spec.pe.memoryBKiB * 1024) / wordBytes(spec));
}
