import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { COMMON } from '../options.ts';

const { set, out, quiet } = COMMON;

function options(yargs: Argv) {
  return yargs
    .positional('workload', {
      type: 'string',
      demandOption: true,
      describe: 'a small product, matmul:MxNxK, or an exchange of cores, such as all-reduce:CORESxWORDS',
    })
    .options({
      arch: { type: 'string', demandOption: true, describe: 'a machine with a grid of PEs' },
      cycles: { type: 'string', describe: 'print these cycles: N or FIRST-LAST (default: a walk with the arrow keys)' },
      set,
      format: { type: 'string', default: 'table', describe: 'table or html (a page that runs the machine itself)' },
      out,
      quiet,
    })
    .example(
      '$0 step matmul:4x3x5 --arch edge-16x16 --set array.rows=3 --set array.columns=3',
      'walk with the arrow keys',
    )
    .example('$0 step matmul:4x4x4 --arch scalesim-32x32-os --set array={rows: 4, columns: 4} --cycles 0-10', 'print')
    .example('$0 step matmul:8x1x8 --arch lac', 'a matrix times a vector on a core of PEs with buses')
    .example('$0 step all-reduce:6x96 --arch caterpillar-2x16 --cycles 0-40', 'buckets that go round a ring of cores')
    .example('$0 step matmul:8x8x8 --arch edge-16x16 --format html --out step.html', 'a page to play with');
}

export type StepArguments = ArgumentsCamelCase<Awaited<ReturnType<typeof options>['argv']>>;

export const stepCommand: CommandModule<object, StepArguments> = {
  command: 'step <workload>',
  describe: 'show a machine cycle by cycle, with values, forward and backward',
  builder: options as unknown as (yargs: Argv) => Argv<StepArguments>,
  handler: async (args) => (await import('../step.ts')).runStep(args),
};
