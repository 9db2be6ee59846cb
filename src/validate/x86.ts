import { parse } from 'csv-parse/sync';
import { InputError, type Problem } from '../errors.ts';
import { bytesOfHex } from '../models/x86/hex.ts';
import { type Core, type Mode, predict, prepare } from '../models/x86/predict.ts';
import { loadCore } from '../x86-core.ts';
import { type ErrorMetrics, errorMetrics } from './metrics.ts';

export interface BlockRow {
  readonly id: string;
  readonly mode: Mode;
  readonly measured: number;
  readonly predicted: number;
  readonly errorPct: number;
}

/** Blocks predicted and measured: all together, each mode, and llvm-mca on the same rows where the file has it. */
export interface BlockComparison extends ErrorMetrics {
  readonly rows: readonly BlockRow[];
  readonly byMode: Readonly<Record<string, ErrorMetrics & { readonly rows: number }>>;
  readonly llvmMca: Readonly<Record<string, ErrorMetrics>>;
}

type CsvRecord = Readonly<Record<string, string>>;

function predictRow(record: CsvRecord, core: Core): BlockRow {
  const mode = record['mode'];
  if (mode !== 'unrolled' && mode !== 'loop')
    throw InputError.of('mode', JSON.stringify(mode), 'write unrolled or loop');
  const measured = Number(record['cycles_measured']);
  if (!(measured > 0) || !Number.isFinite(measured))
    throw InputError.of('cycles_measured', JSON.stringify(record['cycles_measured']), 'write a positive number');
  const predicted = predict(prepare(bytesOfHex(record['hex'] ?? ''), mode, core), core).cyclesPerIteration;
  return { id: record['id'] ?? '', mode, measured, predicted, errorPct: (100 * (predicted - measured)) / measured };
}

function byMode<Row extends { readonly mode: string }, Result>(
  rows: readonly Row[],
  measure: (rows: readonly Row[]) => Result,
): Record<string, Result> {
  const modes = [...new Set(rows.map(({ mode }) => mode))].sort();
  return Object.fromEntries(modes.map((mode) => [mode, measure(rows.filter((row) => row.mode === mode))]));
}

/**
 * Holds a core (cascadelake unless named) against a CSV with the columns hex, mode and cycles_measured, and id and
 * cycles_llvm_mca if wanted. Throws InputError.
 */
export function validateBlocks(text: string, file: string, arch: string | undefined): BlockComparison {
  const records = parse(text, { columns: true, trim: true, skip_empty_lines: true, bom: true }) as CsvRecord[];
  const core = loadCore(arch ?? 'cascadelake', []);
  const rows: BlockRow[] = [];
  const mca: { mode: string; measured: number; predicted: number }[] = [];
  const problems: Problem[] = [];
  records.forEach((record, index) => {
    try {
      const row = predictRow(record, core);
      rows.push(row);
      const predicted = Number(record['cycles_llvm_mca']);
      if (predicted > 0) mca.push({ mode: row.mode, measured: row.measured, predicted });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      problems.push(...error.problems.map((one) => ({ ...one, where: `${file}: row ${index + 1}: ${one.where}` })));
    }
  });
  if (problems.length > 0) throw new InputError(problems.slice(0, 20));
  return {
    rows,
    ...metricsOf(rows),
    byMode: byMode(rows, (some) => ({ rows: some.length, ...metricsOf(some) })),
    llvmMca: byMode(mca, metricsOf),
  };
}

function metricsOf(rows: readonly { readonly measured: number; readonly predicted: number }[]): ErrorMetrics {
  const withErrors = rows.map((row) => ({ ...row, errorPct: (100 * (row.predicted - row.measured)) / row.measured }));
  return errorMetrics(withErrors);
}
