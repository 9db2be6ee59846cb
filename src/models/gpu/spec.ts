import { z } from 'zod';
import { energySpec } from '../../energy/spec.ts';
import { refuseTakenName } from '../memory-name.ts';

/** Upper limits keep an absurd file from hanging or exhausting the machine that runs the simulator. */
const count = (max: number) => z.number().int().min(1).max(max);
const positive = (max: number) => z.number().gt(0).max(max);
const cycles = (max: number) => z.number().int().min(0).max(max);
const share = z.number().gt(0).max(1);

/** One math instruction of a warp, as far as time goes. */
const math = z.strictObject({
  /** tensor: a matrix instruction; cuda: one multiply-add per thread, or several packed in a register. */
  unit: z.enum(['tensor', 'cuda']),
  /** Part of a product that one group of instructions computes, elements. */
  m: count(256),
  n: count(256),
  k: count(256),
  /** Instructions in the group, and cycles each keeps its pipe of one sub-core. */
  instructions: count(64),
  occupiesCycles: positive(256),
  /** From the last instruction of a group until its sums can be used. */
  latencyCycles: count(1000),
  /**
   * How often a warp reads an element of the left and of the right operand from shared memory: by so many of its threads, or below 1 where
   * several warps work on one instruction and share what they read.
   */
  leftReads: positive(32),
  rightReads: positive(32),
  /** Width of a sum in registers and as it is exchanged at the end of a tile. */
  accumulatorBytes: count(8),
  /**
   * At most n of m neighbours of the left operand along k are not zero; those alone are stored and multiplied, each with an index of so
   * many bits. k counts all of them.
   */
  sparse: z.strictObject({ n: count(64), m: count(64), indexBits: count(16) }).optional(),
});

function withoutNulls(record: unknown): unknown {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return record;
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}

/** Tile of a product that one block computes, as a library offers it. */
const tile = z.strictObject({
  m: count(1024),
  n: count(1024),
  k: count(1024),
  warpsM: count(32),
  warpsN: count(32),
});

/** The kernel a library takes for a product of so many columns or fewer: a tile, slices of the reduction, tiles in shared memory at a time. */
const way = tile.extend({ columns: count(65_536), slices: count(1024), stages: count(8) });

const fields = z.strictObject({
  clockMHz: positive(1e5),
  /** Precision of a workload that names none. */
  defaultPrecision: z.string(),
  sms: count(1024),
  sm: z.strictObject({
    /** Warp schedulers with own register file and pipes; each issues one instruction per cycle. */
    subCores: count(16),
    warps: count(128),
    blocks: count(64),
    registers: count(2 ** 20),
    sharedKiB: positive(1024),
    sharedBytesPerCycle: count(1024),
    sharedLatencyCycles: cycles(1000),
    /** Cycles of requests that shared memory takes in before a sub-core must wait. */
    sharedQueueCycles: cycles(10_000),
    /** From L2 into the SM. */
    globalBytesPerCycle: count(1024),
    barrierCycles: cycles(1000),
    /** Lanes per sub-core for what is not math of a product: one result per lane and cycle. */
    aluLanes: count(128),
    sfuLanes: count(128),
    /** Whole numbers are added up on the lanes that multiply, not beside them. */
    integersOnMath: z.boolean().default(false),
    aluLatencyCycles: cycles(100),
    sfuLatencyCycles: cycles(1000),
    /** Copies from global to shared memory that bypass registers; more than two stages are then of use. */
    asyncCopy: z.boolean(),
  }),
  l2: z.strictObject({
    sizeKiB: positive(2 ** 22),
    /** Parts that keep their own copy of what SMs on both sides read. */
    partitions: count(8),
    bytesPerCycle: positive(1e6),
    latencyCycles: cycles(10_000),
  }),
  memory: z.strictObject({
    name: z.string().regex(/^[a-zA-Z][a-zA-Z0-9]*$/),
    sizeGiB: positive(1e6),
    bandwidthGBps: positive(1e9),
    latencyCycles: cycles(100_000),
    /** Share of the bandwidth that long streams reach. */
    streamShare: share,
    /** Share of that which rows reach that are read a little at a time, at a pitch that is no multiple of `pitchBytes`. */
    stridedShare: share,
    pitchBytes: count(2 ** 20),
    /** Share that rows reach, whatever their pitch, that are read one sector (32 bytes) at a time. */
    sectorShare: share,
  }),
  /** Network that joins this GPU with others: a name of arch/network/ or a file. Absent: it is alone. */
  network: z.string().min(1).optional(),
  /** Kernels in a stream: time that passes per kernel besides its own, and per kernel that another one of the same call follows. */
  launch: z.strictObject({ firstUs: positive(1000), nextUs: positive(1000) }),
  /** null takes away what the base of a machine has. */
  math: z.preprocess(withoutNulls, z.record(z.string(), math)),
  /** What the library has to choose from. */
  library: z.strictObject({
    stages: count(8),
    /** Into so many parts, at most, is the reduction of a product cut to occupy more SMs. */
    maxSlices: count(1024),
    /** The last waves of a product's tiles are cut along the reduction so that all SMs end together. Absent: no. */
    streamK: z.boolean().optional(),
    prologueInstructions: count(10_000),
    /** Address and predicate instructions for each load of a warp. */
    addressInstructions: cycles(100),
    /** Sides of filters that Winograd's way is there for. */
    winogradFilters: z.array(count(16)).max(8).default([3, 5]),
    /** Input gradients that are added up in place: their tile, the share of the math rate that these kernels reach, adds of all of L2. */
    scatter: z.strictObject({ tile, mathShare: share, addsPerCycle: positive(1e5) }).optional(),
    tensorTiles: z.array(tile).max(64),
    cudaTiles: z.array(tile).max(64),
    /** Tiles of convolutions on plain pipes by math, where the library has other kernels for them than the tall ones of products. */
    convTiles: z.record(z.string(), z.array(tile).min(1).max(64)).default({}),
    /** Columns of the narrowest tile for convolutions on plain pipes; results with fewer may take narrower ones. */
    convTileColumns: count(1024),
    /** Recurrent layers, time step by time step, as a library runs them that keeps no weights on the chip between steps. */
    recurrence: z.strictObject({
      /** Tile of the forward product of a step on tensor cores, which is not sliced. */
      tile,
      /**
       * Products of a step on plain pipes by math, where the library does not take the fastest: for a batch of so many columns or
       * fewer, the tile, its slices and stages. The last entry stands for all larger batches.
       */
      plain: z.record(z.string(), z.array(way).min(1).max(16)).default({}),
      /** Once per call, and per kernel of a step besides its own time until `queuedKernels` kernels of the call have run; then. */
      startUs: positive(1000),
      kernelUs: positive(1000),
      queuedKernels: count(10_000),
      queuedKernelUs: positive(1000),
    }),
  }),
  energy: energySpec,
});

export type GpuSpec = z.infer<typeof fields>;
export type MathSpec = z.infer<typeof math>;
export type TileSpec = z.infer<typeof tile>;

/** Format of the operands that an entry of `math` multiplies: its name without the format of sums and the pattern of zeros. */
export function operandsOf(math: string): string {
  return math.split(/[+:]/)[0]!;
}

/** Bytes of the left operand as it is stored, with its indices, for each byte of a dense one. */
export function storedShare({ sparse }: MathSpec, operandBytes: number): number {
  return sparse === undefined ? 1 : (sparse.n / sparse.m) * (1 + sparse.indexBits / (8 * operandBytes));
}

/** Components in the order of the event layout; the off-chip memory follows under its own name, then the link. */
export const COMPONENTS = ['tensorCores', 'cudaCores', 'registers', 'sharedMemory', 'l2'] as const;

/** What must hold between fields. */
export const gpuSpec = fields.superRefine((spec, context) => {
  const refuse = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: path.split('.'), message });
  refuseTakenName(spec, [...COMPONENTS, 'link'], context);
  if (Object.keys(spec.math).length === 0) refuse('math', 'name at least one precision');
  for (const [precision, { unit, sparse }] of Object.entries(spec.math)) {
    const pattern = sparse === undefined ? undefined : `${sparse.n}:${sparse.m}`;
    if (precision.split(':').slice(1).join(':') !== (pattern ?? ''))
      refuse(
        `math.${precision}`,
        pattern === undefined ? 'give its `sparse`, or leave the pattern out of its name' : `name it FORMAT:${pattern}`,
      );
    if (sparse !== undefined && sparse.n >= sparse.m) refuse(`math.${precision}.sparse.n`, 'use a number below m');
    const tiles = unit === 'tensor' ? spec.library.tensorTiles : spec.library.cudaTiles;
    if (tiles.length === 0) refuse(`library.${unit}Tiles`, `give tiles: math.${precision} needs them`);
  }
  if (spec.sm.warps < spec.sm.subCores) refuse('sm.warps', 'give every sub-core a warp');
  if (spec.library.stages > 2 && !spec.sm.asyncCopy) refuse('library.stages', 'use 2: more stages need sm.asyncCopy');
});
