import { dataPath, readInput } from '../files.ts';
import { type OnRow, validateAgainst } from './against.ts';
import type { Pair } from './kind.ts';
import { errorMetrics } from './metrics.ts';
import { validateBlocks } from './x86.ts';

/** Measured rows of one kind, and the model's error over them. */
export interface MeasuredSet {
  /** Machine, kind, format and pass: `v100 conv fp16 fwd`. */
  readonly id: string;
  readonly machine: string;
  readonly rows: number;
  readonly mapePct: number;
  readonly medianAbsErrorPct: number;
  /** Largest error that is accepted; null where nothing has been promised. */
  readonly bound: number | null;
}

/** Files of measured kernels that are kept, with the machine they were measured on. */
const FILES = [
  { file: 'v100_gemm.csv', machine: 'v100' },
  { file: 'v100_conv.csv', machine: 'v100' },
  { file: 'v100_rnn.csv', machine: 'v100' },
  { file: 'p100_gemm.csv', machine: 'p100' },
  { file: 'p100_conv.csv', machine: 'p100' },
  { file: 'p100_rnn.csv', machine: 'p100' },
  { file: 'p100_allreduce.csv', machine: 'p100' },
  { file: 'a100_gemm.csv', machine: 'a100' },
  { file: 'a100_vector.csv', machine: 'a100' },
  { file: 'a100_transformer.csv', machine: 'a100' },
  { file: 'a100_allreduce.csv', machine: 'a100' },
  { file: 'x86_gemm.csv', machine: 'cascadelake' },
] as const;

/** Bounds that models are held to, by set. */
const BOUNDS: Readonly<Record<string, number>> = {
  'v100 gemm fp16': 9,
  'v100 gemm fp32': 8,
  'v100 conv fp16 fwd': 15,
  'v100 conv fp16 bwd_data': 16,
  'v100 conv fp16 bwd_weights': 20,
  'v100 rnn fp16 fwd': 12,
  'v100 rnn fp16 bwd_data': 12,
  'v100 rnn fp16 bwd_weights': 12,
  'a100 gemm bf16': 3.5,
  'a100 vector fp16': 8,
  'a100 transformer prefill total': 4,
  'a100 transformer decode total': 8,
  'a100 allreduce fp16': 12,
  'cascadelake gemm fp32': 8,
  'cascadelake gemm fp64': 8,
};

/** The core that basic blocks were measured on; the step between the rows that are run, and the bound. */
const BLOCK_MACHINE = 'cascadelake';
const BLOCK_STEP = 12;
const BLOCK_BOUND_PCT = 3;

/** Machines that kept measurements hold. */
export const MEASURED_MACHINES: readonly string[] = [...new Set(FILES.map(({ machine }) => machine)), BLOCK_MACHINE];

/** Basic blocks, every so many rows: `accsim validate --against` holds all of them. */
function blockSets(): MeasuredSet[] {
  const [head, ...rows] = readInput(dataPath('reports', 'anchors', 'x86_blocks.csv'))
    .trim()
    .split('\n');
  const sample = [head, ...rows.filter((_, index) => index % BLOCK_STEP === 0)].join('\n');
  const { byMode } = validateBlocks(sample, 'x86_blocks.csv', BLOCK_MACHINE);
  return Object.entries(byMode).map(([mode, { rows: count, mapePct, medianAbsErrorPct }]) => ({
    id: `${BLOCK_MACHINE} blocks ${mode}`,
    machine: BLOCK_MACHINE,
    rows: count,
    mapePct,
    medianAbsErrorPct,
    bound: BLOCK_BOUND_PCT,
  }));
}

/** Predicts every kept row of the machines asked for (null: all). */
export function measuredSets(machine: string | null, onRow?: OnRow): MeasuredSet[] {
  const blocks = machine === null || machine === BLOCK_MACHINE ? blockSets() : [];
  const kernels = FILES.filter((one) => machine === null || one.machine === machine).flatMap((one) => {
    const { rows } = validateAgainst(readInput(dataPath('reports', 'anchors', one.file)), one.file, undefined, onRow);
    const kind = one.file.split(/[_.]/)[1]!;
    const sets = new Map<string, Pair[]>();
    for (const row of rows) {
      const id = `${one.machine} ${setOf(kind, row.id)}`;
      sets.set(id, [...(sets.get(id) ?? []), row]);
    }
    return [...sets].map(([id, pairs]): MeasuredSet => {
      // What matters of a layer is the time of all its ops together.
      const { mapePct, medianAbsErrorPct } = errorMetrics(kind === 'transformer' ? [sumOf(pairs)] : pairs);
      return { id, machine: one.machine, rows: pairs.length, mapePct, medianAbsErrorPct, bound: BOUNDS[id] ?? null };
    });
  });
  return [...kernels, ...blocks];
}

/** Rows of one format and pass are a set; of a layer, those of one phase. Ids are `device:format:what[:pass or op]`. */
function setOf(kind: string, id: string): string {
  const [, format, what, pass] = id.split(':');
  if (kind === 'transformer') return `${kind} ${what} total`;
  return [kind, format, pass].filter((part) => part !== undefined).join(' ');
}

function sumOf(pairs: readonly Pair[]): Pair {
  const sum = (of: (pair: Pair) => number): number => pairs.reduce((total, pair) => total + of(pair), 0);
  return { id: 'sum', measured: sum(({ measured }) => measured), predicted: sum(({ predicted }) => predicted) };
}
