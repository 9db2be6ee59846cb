import { z } from 'zod';
import { energySpec } from '../../energy/spec.ts';
import { MAC_ACTIONS } from './precision.ts';
import { refuseTakenName } from '../memory-name.ts';

/** Upper limits keep an absurd file from hanging or exhausting the machine that runs the simulator. */
const count = (max: number) => z.number().int().min(1).max(max);
const positive = (max: number) => z.number().gt(0).max(max);
const cycles = (max: number) => z.number().int().min(0).max(max);

/** What happens when activations do not fit the unified buffer. */
const overflow = z.enum(['split-batch', 'spill', 'error']);

/** Activations live in one buffer between layers (TPU). */
const unified = z.strictObject({
  kind: z.literal('unified'),
  sizeKiB: positive(2 ** 30),
  bytesPerCycle: positive(1e6),
  overflow,
});

/** Each operand has its own double-buffered scratchpad; every layer starts and ends off the chip (SCALE-Sim, edge arrays). */
const scratchpads = z.strictObject({
  kind: z.literal('scratchpads'),
  inputKiB: positive(2 ** 30),
  weightKiB: positive(2 ** 30),
  outputKiB: positive(2 ** 30),
  bytesPerCycle: positive(1e6),
});

const fields = z.strictObject({
  clockMHz: positive(1e5),
  /** Precision of a workload that names none, e.g. `int8`, `bf16`, `int8/int16` (weights/activations). */
  defaultPrecision: z.string(),
  array: z.strictObject({
    /** Arrays per chip; a layer's column tiles are dealt out over them. */
    count: count(64),
    rows: count(4096),
    columns: count(4096),
    dataflow: z.enum(['weight-stationary', 'output-stationary', 'input-stationary']),
    /** The next stationary tile may be shifted in while the present one is in use. */
    doubleBuffered: z.boolean(),
    /** A pass may start streaming while the results of the one before are still leaving. */
    overlapPasses: z.boolean(),
    /** Cycles one streamed row takes, by precision; a precision that is not listed cannot run. */
    cyclesPerRow: z.record(z.string(), count(64)),
    /**
     * How a reduction is cut into tiles: `packed` fills every tile to the last row (im2col); `aligned` starts a new tile for
     * every filter tap that does not fit whole beside the others, and for every part of a concatenated operand.
     */
    reduction: z.enum(['packed', 'aligned']).default('aligned'),
    /** Tiles are stored and fetched at full size even where they hold fewer weights. */
    paddedTiles: z.boolean().default(false),
    /** Width of one accumulated partial sum. */
    accumulatorBits: count(64),
  }),
  /** Partial sums kept at the array's edge: rows of `columns` sums. null: partial sums go to the output buffer. */
  accumulators: z.strictObject({ rows: count(2 ** 24), buffers: count(8) }).nullable(),
  /** Tiles that wait between off-chip memory and the array. */
  weightFifoTiles: count(1024),
  buffer: z.discriminatedUnion('kind', [unified, scratchpads]),
  /** Off-chip memory; `holds: weights` when activations never go there. */
  memory: z.strictObject({
    name: z.string().regex(/^[a-zA-Z][a-zA-Z0-9]*$/),
    holds: z.enum(['weights', 'all']),
    bandwidthGBps: positive(1e9),
    latencyNs: z.number().min(0).max(1e6),
    sizeGiB: positive(1e6),
  }),
  /** null: inputs start and results end in off-chip memory. */
  hostLink: z.strictObject({ bandwidthGBps: positive(1e9), latencyNs: z.number().min(0).max(1e9) }).nullable(),
  vectorUnit: z.strictObject({
    /** Element operations per cycle, all lanes together. */
    elementsPerCycle: count(2 ** 20),
    latencyCycles: cycles(1e6),
    /** Residual adds and other ops with a second operand are applied to results on their way into the buffer. */
    fuseBinary: z.boolean().default(false),
  }),
  /** Explicit synchronisation between a layer and one that needs its result, after the result is in the buffer. */
  layerSyncCycles: cycles(1e7),
  energy: energySpec,
});

export type SystolicSpec = z.infer<typeof fields>;

/** Names of what moves bytes or costs energy besides the off-chip memory. */
const COMPONENTS = [
  'array',
  'accumulators',
  'unifiedBuffer',
  'inputBuffer',
  'weightBuffer',
  'outputBuffer',
  'weightFifo',
  'vectorUnit',
  'hostLink',
];

/** What must hold between fields. */
export const systolicSpec = fields.superRefine((spec, context) => {
  const refuse = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: path.split('.'), message });
  if (spec.accumulators !== null && spec.accumulators.rows < spec.accumulators.buffers)
    refuse('accumulators.rows', 'give every one of accumulators.buffers a row');
  refuseTakenName(spec, COMPONENTS, context);
  for (const precision of Object.keys(spec.array.cyclesPerRow)) {
    if (MAC_ACTIONS[precision] === undefined)
      refuse(`array.cyclesPerRow.${precision}`, `use formats of ${Object.keys(MAC_ACTIONS).join(', ')}`);
  }
  if (Object.keys(spec.array.cyclesPerRow).length === 0) refuse('array.cyclesPerRow', 'name at least one precision');
  if (spec.memory.holds !== 'weights') return;
  const remedy = 'use memory.holds=all: activations go there too';
  if (spec.buffer.kind === 'scratchpads') refuse('memory.holds', remedy);
  else if (spec.buffer.overflow === 'spill') refuse('buffer.overflow', remedy);
  if (spec.hostLink === null) refuse('hostLink', remedy);
});
