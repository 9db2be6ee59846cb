import { parse } from 'csv-parse/sync';
import { InputError, type Problem } from '../errors.ts';
import { APPLICATION_NAMES, tops } from './tpuv1.ts';
import { errorMetrics, type ErrorMetrics } from './metrics.ts';
import { loadMachine } from '../machine/load.ts';
import { SCHEMAS } from '../models/registry.ts';
import { simulate } from '../simulate.ts';
import { loadTrace } from '../workload/load.ts';
import { scalesimCycles } from './scalesim.ts';
import { allReduceMs, NETWORK_OF_DEVICE } from './all-reduce.ts';
import { type CsvRecord, measuredNumber, oneOf, wholeNumber } from './fields.ts';
import { GPU_KINDS } from './gpu.ts';
import type { Kind, Pair } from './kind.ts';
import { X86_KINDS } from './x86-kinds.ts';

export interface Comparison extends ErrorMetrics {
  /** What the rows are, for people. */
  readonly what: string;
  /** Of what is measured and predicted. */
  readonly unit: string;
  readonly rows: readonly (Pair & { readonly errorPct: number })[];
}

const KINDS: readonly Kind[] = [
  {
    name: 'SCALE-Sim results',
    unit: 'cycles',
    columns: ['gemm_m', 'gemm_n', 'gemm_k', 'array_h', 'array_w', 'dataflow', 'compute_cycles'],
    predictor: () => (record, index) => {
      const [m, n, k, rows, columns] = ['gemm_m', 'gemm_n', 'gemm_k', 'array_h', 'array_w'].map((column) =>
        wholeNumber(record, column, index),
      ) as [number, number, number, number, number];
      const dataflow = oneOf(record, 'dataflow', index, ['ws', 'os', 'is']);
      const id = [record['suite'], record['network'], record['layer'], `${m}x${n}x${k}`, `${rows}x${columns}`, dataflow]
        .filter((part) => part !== undefined && part !== '')
        .join(' ');
      return {
        id,
        measured: measuredNumber(record, 'compute_cycles', index),
        predicted: scalesimCycles({ m, n, k, rows, columns, dataflow }),
      };
    },
  },
  {
    name: 'TPU v1 throughput',
    unit: 'TOPS',
    columns: ['app', 'tops'],
    predictor: (arch) => (record, index) => {
      const name = `tpuv1-${(record['app'] ?? '').toLowerCase()}`;
      const known = APPLICATION_NAMES.find((one) => one === name);
      if (known === undefined)
        throw InputError.of(
          `row ${index + 1}: app`,
          JSON.stringify(record['app']),
          'write MLP0, MLP1, LSTM0, LSTM1, CNN0 or CNN1',
        );
      const { report } = simulate(
        loadMachine(arch ?? 'tpuv1', [], SCHEMAS),
        loadTrace(known, { phase: 'inference' }, 'int8'),
      );
      return { id: record['app']!, measured: measuredNumber(record, 'tops', index), predicted: tops(report) };
    },
  },
  {
    name: 'all-reduce times',
    unit: 'ms',
    columns: ['device', 'bytes', 'ranks', 'time_ms'],
    predictor: (arch) => (record, index) => {
      const device = record['device']!;
      const network = NETWORK_OF_DEVICE[(arch ?? device).toUpperCase()] ?? arch;
      if (network === undefined)
        throw InputError.of(
          `row ${index + 1}: device`,
          JSON.stringify(device),
          `write ${Object.keys(NETWORK_OF_DEVICE).join(' or ')}, or name a network with --arch`,
        );
      const bytes = wholeNumber(record, 'bytes', index, 1, 44);
      const ranks = wholeNumber(record, 'ranks', index);
      return {
        id: record['id'] ?? `${device} ${bytes} B ${ranks} ranks`,
        measured: measuredNumber(record, 'time_ms', index),
        predicted: allReduceMs(network, ranks, bytes),
      };
    },
  },
  ...GPU_KINDS,
  ...X86_KINDS,
];

/** Told how many of all rows are done. */
export type OnRow = (done: number, total: number) => void;

/** Holds the models against a CSV of measurements; its columns tell what they are. Throws InputError. */
export function validateAgainst(
  text: string,
  file: string,
  arch: string | undefined,
  onRow: OnRow = () => {},
): Comparison {
  let records: CsvRecord[];
  try {
    records = parse(text, {
      columns: true,
      trim: true,
      skip_empty_lines: true,
      bom: true,
      relax_column_count: true,
    }) as CsvRecord[];
  } catch (error) {
    throw InputError.of(
      file,
      `is no CSV (${error instanceof Error ? error.message : 'unreadable'})`,
      'write a header line and comma-separated rows',
    );
  }
  if (records.length === 0) throw InputError.of(file, 'holds no rows', 'write a header line and at least one row');
  const header = Object.keys(records[0]!);
  const kind = KINDS.find((one) => one.columns.every((column) => header.includes(column)));
  if (kind === undefined) {
    throw InputError.of(
      file,
      `columns ${header.slice(0, 8).join(', ')}`,
      `give one of these sets of columns: ${KINDS.map((one) => `${one.columns.join(', ')} (${one.name})`).join('; ')}`,
    );
  }
  const problems: Problem[] = [];
  const rows: (Pair & { errorPct: number })[] = [];
  const predict = kind.predictor(arch);
  records.forEach((record, index) => {
    try {
      const { id, measured, predicted } = predict(record, index);
      rows.push({ id, measured, predicted, errorPct: (100 * (predicted - measured)) / measured });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      problems.push(...error.problems.map((problem) => ({ ...problem, where: `${file}: ${problem.where}` })));
    }
    onRow(index + 1, records.length);
  });
  // What is wrong with a flag is found anew in every row.
  const different = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  if (problems.length > 0) throw new InputError([...different.values()].slice(0, 20));
  return { what: kind.name, unit: kind.unit, rows, ...errorMetrics(rows) };
}
