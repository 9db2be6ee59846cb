import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { InputError } from '../../errors.ts';
import { htmlPage, htmlTable } from '../../report/html.ts';
import { comparisonRows, csvLines, markdownTable } from '../../report/tables.ts';
import { COMMON, readFormat } from '../options.ts';
import { deliver } from '../output.ts';
import type { Report } from '../../report/report.ts';
import { runSimulation } from '../simulation.ts';
import { columns } from '../../report/columns.ts';
import { traceOptions } from './run.ts';

function options(yargs: Argv) {
  return yargs
    .positional('workload', { type: 'string', demandOption: true, describe: 'workload, as for run' })
    .options(COMMON)
    .options({ arch: { type: 'string', demandOption: true, describe: 'machines, separated by commas' } })
    .example('$0 compare resnet --arch tpuv1,tpuv2,tpuv3', 'three generations side by side');
}

type Arguments = ArgumentsCamelCase<Awaited<ReturnType<typeof options>['argv']>>;

async function compare(args: Arguments): Promise<void> {
  const names = args.arch
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length < 2) throw InputError.of('--arch', args.arch, 'give at least two machines, separated by commas');
  const format = readFormat(args.format);
  const trace = traceOptions(args);
  const reports: Report[] = [];
  for (const arch of names)
    reports.push(
      (await runSimulation({ arch, workload: args.workload, sets: args.set, trace, timeline: false })).report,
    );
  const { head, rows } = comparisonRows(reports);
  const text = {
    json: () => `${JSON.stringify(reports, null, 2)}\n`,
    csv: () => csvLines([head, ...rows]),
    md: () => `${markdownTable([reports[0]!.workload.name, ...head.slice(1)], rows)}\n`,
    html: () => htmlPage(reports[0]!.workload.name, htmlTable(head, rows)),
    table: () => columns([[reports[0]!.workload.name, ...head.slice(1)], ...rows]),
  }[format]();
  deliver(text, args.out, args.quiet);
}

export const compareCommand: CommandModule<object, Arguments> = {
  command: 'compare <workload>',
  describe: 'the same workload on several machines, side by side',
  builder: options as unknown as (yargs: Argv) => Argv<Arguments>,
  handler: compare,
};
