import { z } from 'zod';
import { energySpec } from '../../energy/spec.ts';
import { VECTOR_SETS } from './lower/isa.ts';
import { refuseTakenName } from '../memory-name.ts';

const count = (max: number) => z.number().int().min(1).max(max);
const cycles = z.number().min(0).max(1e5);

/** What a machine needs besides its core to run networks: how many cores, caches, memory, and how libraries use them. */
const fields = z.strictObject({
  /** Clock of all cores while they run wide vector code, the one in which networks are counted. */
  clockMHz: z.number().gt(0).max(1e5),
  defaultPrecision: z.string(),
  cores: count(1024),
  /** Widest vectors that kernels use, and whether bytes are multiplied and summed in one instruction. */
  vectors: z.enum(VECTOR_SETS),
  dotProducts: z.boolean(),
  /** Multiply-add instructions of the widest vectors that a core starts per cycle. */
  multiplyAddsPerCycle: count(4),
  /** Winograd's convolutions of 3 x 3 filters: sides of tiles of results that the library has, and images from which on it tries them. */
  winograd: z.strictObject({ results: z.array(z.literal([2, 4])).max(2), leastImages: count(2 ** 20) }),
  l1: z.strictObject({ sizeKiB: count(2 ** 20) }),
  /** Of each core. Cycles that a line from here costs beyond the pipeline's own, by how it is met. */
  l2: z.strictObject({
    sizeKiB: count(2 ** 20),
    sequenceCycles: cycles,
    stridedCycles: cycles,
    aheadCycles: cycles,
    panelCycles: cycles,
    writeCycles: cycles,
  }),
  /** Shared by all cores; `bytesPerCycle` is what it delivers to all of them together. */
  l3: z.strictObject({ sizeKiB: count(2 ** 24), latencyCycles: cycles, bytesPerCycle: z.number().gt(0).max(1e6) }),
  /** Lines that a core can wait for at a time, and with what prefetchers ask for ahead of it. */
  lineFillBuffers: count(256),
  prefetchedLines: count(1024),
  memory: z.strictObject({
    name: z.string().regex(/^[a-zA-Z][a-zA-Z0-9-]*$/),
    sizeGiB: z.number().gt(0).max(1e6),
    bandwidthGBps: z.number().gt(0).max(1e6),
    latencyNs: z.number().gt(0).max(1e5),
  }),
  tlb: z.strictObject({
    /** Pages of 4 KiB in the first and in the second level. */
    entries: count(65536),
    secondEntries: count(2 ** 20),
    /** Cycles lost to a page that is only in the second level, and to one that has to be looked up. */
    missCycles: cycles,
    walkCycles: cycles,
  }),
  /** Cycles from the mispredicted end of one loop to full speed in the next. */
  loopExitCycles: cycles,
  /** Time of a library call beside its loops, and of waking and joining all cores. */
  callNs: z.number().min(0).max(1e6),
  barrierNs: z.number().min(0).max(1e6),
  energy: energySpec,
});

/** Parts of every machine that reports name; the off-chip memory has a name of its own. */
export const COMPONENTS = ['pipeline', 'vectorUnits', 'l1', 'l2', 'l3'] as const;

/** What must hold between fields. */
export const systemSpec = fields.superRefine((spec, context) => {
  const { l1, l2, l3 } = spec;
  const refuse = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message });
  if (l2.sizeKiB <= l1.sizeKiB) refuse(['l2', 'sizeKiB'], `use more than l1.sizeKiB, which is ${l1.sizeKiB}`);
  if (l3.sizeKiB <= l2.sizeKiB) refuse(['l3', 'sizeKiB'], `use more than l2.sizeKiB, which is ${l2.sizeKiB}`);
  refuseTakenName(spec, COMPONENTS, context);
});

export type SystemSpec = z.infer<typeof systemSpec>;
