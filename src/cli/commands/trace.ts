import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { writeTrace } from '../../trace/write.ts';
import { loadTrace } from '../../workload/load.ts';
import { deliver } from '../output.ts';
import { COMMON } from '../options.ts';
import { traceOptions } from './run.ts';

const { batch, precision, sparsity, training, optimizer, checkpointing, feedback, propagation, parallel, out, quiet } =
  COMMON;

function options(yargs: Argv) {
  return yargs
    .positional('workload', { type: 'string', demandOption: true, describe: 'workload, as for run' })
    .options({
      batch,
      precision,
      sparsity,
      training,
      optimizer,
      checkpointing,
      feedback,
      propagation,
      parallel,
      out,
      quiet,
    })
    .example('$0 trace resnet --batch 8 --out resnet.json', 'write the trace of ResNet-50')
    .example('$0 trace resnet --training --batch 64 --parallel data:8', 'one of eight ranks, with its all-reduces');
}

type Arguments = ArgumentsCamelCase<Awaited<ReturnType<typeof options>['argv']>>;

export const traceCommand: CommandModule<object, Arguments> = {
  command: 'trace <workload>',
  describe: 'write the trace of a workload as JSON',
  builder: options as unknown as (yargs: Argv) => Argv<Arguments>,
  handler: (args) => {
    const trace = loadTrace(args.workload, traceOptions(args), 'int8');
    deliver(writeTrace(trace), args.out, args.quiet);
  },
};
