import { join } from 'node:path';
import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { InputError } from '../../errors.ts';
import { writeOutput } from '../../files.ts';
import type { Report } from '../../report/report.ts';
import { renderHtml } from '../../report/html.ts';
import { renderTable } from '../../report/table.ts';
import { renderCsv, renderMarkdown } from '../../report/tables.ts';
import { FEEDBACKS } from '../../training/alignment.ts';
import { CHECKPOINTING } from '../../training/checkpointing.ts';
import { OPTIMIZERS } from '../../training/optimizers.ts';
import { PROPAGATIONS } from '../../training/pipelined.ts';
import { readPattern } from '../../training/sparsity/pattern.ts';
import { parseParallel } from '../../training/scaling/parallel.ts';
import { COMMON, type Format, readFormat, readName, readWhole, single } from '../options.ts';
import { deliver, say, terminal } from '../output.ts';
import { runSimulation } from '../simulation.ts';

const DEFAULT_TOP = 40;

function options(yargs: Argv) {
  return yargs
    .positional('workloads', {
      type: 'string',
      array: true,
      describe:
        'catalogue name, .yaml, .csv or .json file, or matmul:MxNxK / conv:N,C,H,W,K,R,S[,stride[,pad[,groups]]]',
    })
    .options(COMMON)
    .options({
      arch: { type: 'string', describe: 'machine: a name of `accsim list arch`, or a .yaml file' },
      charts: { type: 'string', describe: 'draw PNG charts into this folder' },
      timeline: { type: 'string', describe: 'write a timeline for Perfetto or chrome://tracing to this file' },
      top: { type: 'string', describe: `show the layers that take most cycles (${DEFAULT_TOP}; 0: all)` },
    })
    .example('$0 --arch tpuv1 resnet', 'ResNet-50 on TPU v1')
    .example('$0 tpuv1-mlp0 --arch tpuv1 --set memory.bandwidthGBps=184', 'with other memory')
    .example('$0 matmul:512x512x512 --arch scalesim-32x32-os --format json', 'one matrix product')
    .example('$0 bert-large --arch a100 --sparsity 2:4', 'with weights that sparse tensor cores take')
    .example('$0 resnet --training --batch 2048 --arch dgx1 --parallel data:8', 'one of eight GPUs in a training step')
    .example('$0 resnet --arch tpuv3 --batch 32 --charts charts --timeline run.json', 'with charts and timeline');
}

type Arguments = ArgumentsCamelCase<Awaited<ReturnType<typeof options>['argv']>>;

function render(report: Report, format: Format, top: number | null, toFile: boolean): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`;
    case 'csv':
      return renderCsv(report);
    case 'md':
      return renderMarkdown(report, top);
    case 'html':
      return renderHtml(report, top);
    default: {
      const { colors, width } = terminal();
      return renderTable(report, { colors: colors && !toFile, width, top });
    }
  }
}

async function run(args: Arguments): Promise<void> {
  const workloads = args.workloads ?? [];
  const arch = single(args.arch, 'arch');
  if (workloads.length === 0)
    throw InputError.of(
      'WORKLOAD',
      'missing',
      'name one, for example: accsim --arch tpuv1 resnet (accsim list workloads shows all)',
    );
  if (arch === undefined)
    throw InputError.of('--arch', 'missing', 'name a machine, for example --arch tpuv1 (accsim list arch shows all)');
  const format = readFormat(args.format);
  const shown = readWhole(args.top, 'top') ?? DEFAULT_TOP;
  if (workloads.length > 1 && (args.timeline !== undefined || args.charts !== undefined)) {
    throw InputError.of(
      args.timeline === undefined ? '--charts' : '--timeline',
      `${workloads.length} workloads`,
      'give one workload',
    );
  }
  const results: Awaited<ReturnType<typeof runSimulation>>[] = [];
  for (const workload of workloads) {
    const timeline = args.timeline !== undefined;
    results.push(await runSimulation({ arch, workload, sets: args.set, timeline, trace: traceOptions(args) }));
  }
  const reports = results.map((result) => result.report);
  const top = shown === 0 ? null : shown;
  const text =
    format === 'json' && reports.length > 1
      ? `${JSON.stringify(reports, null, 2)}\n`
      : reports
          .map((report) => render(report, format, top, args.out !== undefined))
          .join(format === 'table' || format === 'md' ? '\n' : '');
  deliver(text, args.out, args.quiet);
  const { report, timeline } = results[0]!;
  if (timeline !== null && args.timeline !== undefined) {
    writeOutput(args.timeline, timeline);
    say(`wrote ${args.timeline} (open it at ui.perfetto.dev)`, args.quiet);
  }
  if (args.charts !== undefined) await drawCharts(report, args.charts, args.quiet);
}

interface TraceArguments {
  readonly batch: string | undefined;
  readonly precision: string | undefined;
  readonly training: boolean;
  readonly optimizer: string | undefined;
  readonly checkpointing?: string | undefined;
  readonly feedback?: string | undefined;
  readonly propagation?: string | undefined;
  readonly parallel?: string | undefined;
  readonly sparsity?: string | undefined;
}

/** Flags of a trace; `undefined` leaves the choice to the workload. */
export function traceOptions(args: TraceArguments) {
  const { training, precision } = args;
  const batch = readWhole(args.batch, 'batch');
  const optimizer = readName(args.optimizer, OPTIMIZERS, 'optimizer');
  const checkpointing = readName(args.checkpointing, CHECKPOINTING, 'checkpointing');
  const feedback = readName(args.feedback, FEEDBACKS, 'feedback');
  const propagation = readName(args.propagation, PROPAGATIONS, 'propagation');
  const parallel = args.parallel === undefined ? undefined : parseParallel(args.parallel);
  const idle = Object.entries({ optimizer, checkpointing, feedback, propagation, parallel }).find(
    ([, value]) => value !== undefined,
  );
  if (!training && idle !== undefined)
    throw InputError.of(`--${idle[0]}`, 'without --training', 'add --training, or leave it out');
  return {
    phase: training ? 'training' : 'inference',
    ...(batch !== undefined && { batch }),
    ...(precision !== undefined && { precision }),
    ...(optimizer !== undefined && { optimizer }),
    ...(checkpointing !== undefined && { checkpointing }),
    ...(feedback !== undefined && { feedback }),
    ...(propagation !== undefined && { propagation }),
    ...(parallel !== undefined && { parallel }),
    ...(args.sparsity !== undefined && { sparsity: readPattern(args.sparsity, '--sparsity') }),
  } as const;
}

async function drawCharts(report: Report, folder: string, quiet: boolean): Promise<void> {
  const { renderCharts } = await import('../../report/charts.ts');
  for (const { name, png } of renderCharts(report)) {
    const path = join(folder, name);
    writeOutput(path, png);
    say(`wrote ${path}`, quiet);
  }
}

export const runCommand: CommandModule<object, Arguments> = {
  command: ['run [workloads..]', '$0 [workloads..]'],
  describe: 'simulate workloads on a machine and report',
  builder: options as unknown as (yargs: Argv) => Argv<Arguments>,
  handler: run,
};
