#!/usr/bin/env node
import yargs from 'yargs';
import { InputError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { blockCommand } from './commands/block.ts';
import { compareCommand } from './commands/compare.ts';
import { listCommand } from './commands/list.ts';
import { runCommand } from './commands/run.ts';
import { showCommand } from './commands/show.ts';
import { stepCommand } from './commands/step.ts';
import { traceCommand } from './commands/trace.ts';
import { trainCommand } from './commands/train.ts';
import { validateCommand } from './commands/validate.ts';
import { guard, UsageError } from './guard.ts';

/** What may be given several times. */
const SEVERAL: ReadonlySet<string> = new Set(['_', 'set', 'workloads']);

/** Rest of the arguments: `npm start -- ARGS` and the installed command are the same. */
const words = process.argv.slice(2);

await guard(async () => {
  await yargs(words)
    .scriptName('accsim')
    .usage('$0 WORKLOAD --arch NAME\n\nCycle-level simulation of machine-learning hardware.')
    .locale('en')
    .command(runCommand)
    .command(compareCommand)
    .command(blockCommand)
    .command(stepCommand)
    .command(trainCommand)
    .command(traceCommand)
    .command(validateCommand)
    .command(listCommand)
    .command(showCommand)
    // `--set x=1 resnet`: the workload is no second value of --set.
    .parserConfiguration({ 'greedy-arrays': false })
    .strict()
    .check((args) => {
      const twice = Object.entries(args).find(([name, value]) => Array.isArray(value) && !SEVERAL.has(name));
      if (twice !== undefined) throw InputError.of(`--${twice[0]}`, (twice[1] as unknown[]).join(', '), 'give it once');
      return true;
    })
    .recommendCommands()
    .version(VERSION)
    .alias('help', 'h')
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .fail((message, error) => {
      throw error === undefined || error.name === 'YError' ? new UsageError(message ?? error.message) : error;
    })
    .parseAsync();
});
