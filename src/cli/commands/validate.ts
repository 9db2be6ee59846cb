import { join } from 'node:path';
import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { InputError } from '../../errors.ts';
import { fileExists, readInput, writeOutput } from '../../files.ts';
import { listMachines } from '../../machine/load.ts';
import { loadModel } from '../../models/registry.ts';
import { escapeHtml, htmlPage, htmlTable } from '../../report/html.ts';
import { csvLines, markdownTable } from '../../report/tables.ts';
import { baselinePath } from '../../validate/accuracy.ts';
import { type Comparison, validateAgainst } from '../../validate/against.ts';
import { errorOf, holds } from '../../validate/anchor.ts';
import type { Baseline } from '../../validate/baseline.ts';
import { CATERPILLAR_MACHINES } from '../../validate/caterpillar.ts';
import { MEASURED_MACHINES } from '../../validate/measured.ts';
import { hasApplications, meanThroughputError, toBaseline, validate, type Validation } from '../../validate/run.ts';
import { columnsOf, isBlocksCsv } from '../../validate/x86-columns.ts';
import { loadX86Kernels } from '../../validate/x86-kernels.ts';
import { X86_KINDS } from '../../validate/x86-kinds.ts';
import { COMMON, readFormat } from '../options.ts';
import { deliver, say } from '../output.ts';
import { rowProgress } from '../progress.ts';
import { columns } from '../../report/columns.ts';

const { format, out, quiet } = COMMON;

function options(yargs: Argv) {
  return yargs
    .options({
      arch: { type: 'string', describe: 'only this machine' },
      against: { type: 'string', describe: 'a CSV of measurements; its columns tell what they are' },
      update: { type: 'boolean', default: false, describe: 'keep the results as the new baseline' },
      format,
      charts: { type: 'string', describe: 'with --against: folder for charts of predicted against measured (PNG)' },
      out,
      quiet,
    })
    .example('$0 validate', 'every published figure beside what the model says')
    .example('$0 validate --against mine.csv --format json', 'your own measurements');
}

type Arguments = ArgumentsCamelCase<Awaited<ReturnType<typeof options>['argv']>>;

const number = (value: number): string =>
  Math.abs(value) >= 1000 ? String(Math.round(value)) : Number(value.toPrecision(4)).toString();

function rowsOf({ anchors, measured }: Validation): string[][] {
  const sets = measured.map((set) => [
    set.id,
    `times of ${set.rows} kernels`,
    '',
    '',
    `mean ${set.mapePct.toFixed(1)} %, median ${set.medianAbsErrorPct.toFixed(1)} %`,
    set.bound === null ? 'shown only' : `${set.mapePct <= set.bound ? 'within' : 'MISSES'} ${set.bound}`,
  ]);
  const figures = anchors.map((anchor) => {
    const error = errorOf(anchor);
    const shown = `${error >= 0 ? '+' : ''}${error.toFixed(1)} ${anchor.errorIn === 'percent' ? '%' : 'points'}`;
    const bound = anchor.bound === null ? 'shown only' : `within ${anchor.bound}`;
    return [
      anchor.what,
      anchor.unit,
      number(anchor.published),
      number(anchor.predicted),
      shown,
      holds(anchor) ? bound : `MISSES ${anchor.bound}`,
    ];
  });
  return [...figures, ...sets];
}

function summary(validation: Validation): string {
  const { anchors, scalesim, measured, failures } = validation;
  const lines: string[] = [];
  if (hasApplications(anchors))
    lines.push(
      `TPU v1 throughput: mean absolute error ${meanThroughputError(anchors).toFixed(1)} % over six applications (the authors' own model: 8.2 %).`,
    );
  if (measured.length > 0) {
    const rows = measured.reduce((sum, set) => sum + set.rows, 0);
    const error = measured.reduce((sum, set) => sum + set.rows * set.mapePct, 0) / rows;
    lines.push(`Measured kernels and blocks: mean absolute error ${error.toFixed(1)} % of the time over ${rows} rows.`);
  }
  if (scalesim.rows > 0)
    lines.push(`SCALE-Sim: ${scalesim.exact} of ${scalesim.rows} distinct rows have exactly its compute cycles.`);
  lines.push(...failures.map((failure) => `FAILED ${failure}`));
  lines.push(
    failures.length === 0
      ? 'Nothing is worse than its bound or the kept baseline.'
      : `${failures.length} ${failures.length === 1 ? 'figure is' : 'figures are'} worse than they may be.`,
  );
  return `${lines.join('\n')}\n`;
}

async function runAgainst(args: Arguments, path: string): Promise<void> {
  const input = readInput(path);
  // Blocks need the x86 decoder, which nothing else loads.
  if (isBlocksCsv(input)) return (await import('../blocks-against.ts')).runBlocksAgainst(args, input, path);
  const header = columnsOf(input);
  if (X86_KINDS.some((kind) => kind.columns.every((column) => header.includes(column)))) await loadX86Kernels();
  const named = listMachines().find(({ name }) => name === args.arch);
  if (named !== undefined) await loadModel(named.kind);
  const progress = rowProgress(args.quiet);
  const comparison = validateAgainst(input, path, args.arch, progress.row);
  progress.end();
  const head = ['id', 'measured', 'predicted', 'errorPct'];
  const rows = comparison.rows.map((row) => [
    row.id,
    number(row.measured),
    number(row.predicted),
    row.errorPct.toFixed(2),
  ]);
  const metrics = `mean absolute error ${comparison.mapePct.toFixed(2)} %, median ${comparison.medianAbsErrorPct.toFixed(2)} %, Kendall tau ${Number.isNaN(comparison.kendallTau) ? 'not defined' : comparison.kendallTau.toFixed(3)}, ${rows.length} rows\n`;
  const text = {
    json: () => `${JSON.stringify(comparison, null, 2)}\n`,
    csv: () => csvLines([head, ...rows]),
    md: () => `${markdownTable(head, rows)}\n\n${metrics}`,
    html: () => htmlPage(`Against ${path}`, `${htmlTable(head, rows)}<p>${metrics}</p>`),
    table: () => `${columns([head, ...rows])}\n${metrics}`,
  }[readFormat(args.format)]();
  deliver(text, args.out, args.quiet);
  if (args.charts !== undefined) await writeCharts(comparison, args.charts, args.quiet);
}

async function writeCharts({ rows, ...subject }: Comparison, folder: string, quiet: boolean): Promise<void> {
  const { comparisonCharts } = await import('../../report/comparison-charts.ts');
  for (const chart of comparisonCharts(subject, rows)) {
    const path = join(folder, chart.name);
    writeOutput(path, chart.png);
    say(`wrote ${path}`, quiet);
  }
}

async function run(args: Arguments): Promise<void> {
  if (args.against !== undefined) return runAgainst(args, args.against);
  const form = readFormat(args.format);
  const machine = args.arch ?? null;
  const isHeld =
    machine === 'tpuv1' ||
    machine?.startsWith('scalesim') === true ||
    [...MEASURED_MACHINES, ...CATERPILLAR_MACHINES].includes(machine ?? '');
  if (machine !== null && !isHeld) {
    throw InputError.of(
      '--arch',
      `no published or measured figure holds ${machine}`,
      `use tpuv1, scalesim, ${[...new Set([...CATERPILLAR_MACHINES, ...MEASURED_MACHINES])].join(', ')}, or bring measurements with --against`,
    );
  }
  if (args.update && machine !== null)
    throw InputError.of('--update', `only ${machine}`, 'leave out --arch: the baseline holds every machine');
  const kept = fileExists(baselinePath()) && !args.update ? (JSON.parse(readInput(baselinePath())) as Baseline) : null;
  if (machine === null || machine === 'cascadelake') await loadX86Kernels();
  const progress = rowProgress(args.quiet);
  const validation = validate(machine, kept, progress.row);
  progress.end();
  const head = ['figure', 'unit', 'published', 'predicted', 'error', 'bound'];
  const rows = rowsOf(validation);
  const text = {
    json: () => `${JSON.stringify(validation, null, 2)}\n`,
    csv: () => csvLines([head, ...rows]),
    md: () => `${markdownTable(head, rows)}\n\n${summary(validation)}`,
    html: () =>
      htmlPage('Predicted against published', `${htmlTable(head, rows)}<pre>${escapeHtml(summary(validation))}</pre>`),
    table: () => `${rows.length > 0 ? `${columns([head, ...rows], [0, 1])}\n` : ''}${summary(validation)}`,
  }[form]();
  deliver(text, args.out, args.quiet);
  if (args.update) {
    writeOutput(baselinePath(), `${JSON.stringify(toBaseline(validation), null, 2)}\n`);
    say(`wrote ${baselinePath()}`, args.quiet);
  }
  if (validation.failures.length > 0) process.exitCode = 1;
}

export const validateCommand: CommandModule<object, Arguments> = {
  command: 'validate',
  describe: 'predicted against published and measured; exits with 1 if something got worse',
  builder: options as unknown as (yargs: Argv) => Argv<Arguments>,
  handler: run,
};
