import { parse } from 'csv-parse/sync';
import { InputError, type Problem } from '../errors.ts';
import { APPLICATION_NAMES, tops } from './tpuv1.ts';
import { errorMetrics, type ErrorMetrics } from './metrics.ts';
import { loadMachine } from '../machine/load.ts';
import { SCHEMAS } from '../models/registry.ts';
import { simulate } from '../simulate.ts';
import { loadTrace } from '../workload/load.ts';
import { scalesimCycles } from './scalesim.ts';

export interface Comparison extends ErrorMetrics {
  readonly rows: readonly {
    readonly id: string;
    readonly measured: number;
    readonly predicted: number;
    readonly errorPct: number;
  }[];
}

type CsvRecord = Readonly<Record<string, string>>;

interface Kind {
  readonly name: string;
  readonly columns: readonly string[];
  readonly predict: (
    record: CsvRecord,
    index: number,
    arch: string | undefined,
  ) => { id: string; measured: number; predicted: number };
}

function wholeNumber(record: CsvRecord, column: string, row: number): number {
  const value = Number(record[column]);
  if (!Number.isInteger(value) || value < 1 || value > 2 ** 24)
    throw InputError.of(
      `row ${row + 1}: ${column}`,
      JSON.stringify(record[column]),
      'write a whole number from 1 to 2^24',
    );
  return value;
}

function measuredNumber(record: CsvRecord, column: string, row: number): number {
  const value = Number(record[column]);
  if (!(value > 0) || !Number.isFinite(value))
    throw InputError.of(`row ${row + 1}: ${column}`, JSON.stringify(record[column]), 'write a positive number');
  return value;
}

const KINDS: readonly Kind[] = [
  {
    name: 'SCALE-Sim results',
    columns: ['gemm_m', 'gemm_n', 'gemm_k', 'array_h', 'array_w', 'dataflow', 'compute_cycles'],
    predict: (record, index) => {
      const [m, n, k, rows, columns] = ['gemm_m', 'gemm_n', 'gemm_k', 'array_h', 'array_w'].map((column) =>
        wholeNumber(record, column, index),
      ) as [number, number, number, number, number];
      const dataflow = (['ws', 'os', 'is'] as const).find((one) => one === record['dataflow']);
      if (dataflow === undefined)
        throw InputError.of(`row ${index + 1}: dataflow`, JSON.stringify(record['dataflow']), 'write ws, os or is');
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
    columns: ['app', 'tops'],
    predict: (record, index, arch) => {
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
];

/** Holds the models against a CSV of measurements; its columns tell what they are. Throws InputError. */
export function validateAgainst(text: string, file: string, arch: string | undefined): Comparison {
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
  const rows: { id: string; measured: number; predicted: number; errorPct: number }[] = [];
  records.forEach((record, index) => {
    try {
      const { id, measured, predicted } = kind.predict(record, index, arch);
      rows.push({ id, measured, predicted, errorPct: (100 * (predicted - measured)) / measured });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      problems.push(...error.problems.map((problem) => ({ ...problem, where: `${file}: ${problem.where}` })));
    }
  });
  if (problems.length > 0) throw new InputError(problems.slice(0, 20));
  return { rows, ...errorMetrics(rows) };
}
