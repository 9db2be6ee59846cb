import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { COMMON } from '../options.ts';

const { set, format, out, quiet } = COMMON;

function options(yargs: Argv) {
  return yargs
    .positional('hex', { type: 'string', describe: 'machine code of one block as hex digits' })
    .options({
      file: { type: 'string', describe: 'a CSV of blocks with a column hex, and mode and id if wanted' },
      arch: { type: 'string', default: 'cascadelake', describe: 'the core' },
      mode: { choices: ['unrolled', 'loop'] as const, describe: 'copies one after another, or one in a loop' },
      timeline: { type: 'boolean', default: false, describe: 'draw the first iterations cycle by cycle' },
      set,
      format,
      out,
      quiet,
    })
    .example('$0 block 4801c0', 'add rax, rax: a chain of additions, a cycle each')
    .example('$0 block c5f857c0 --mode loop --timeline', 'a zero idiom, and where its cycles go')
    .example(
      '$0 block --file blocks.csv --arch skylake --format csv',
      'cycles of many blocks, printed as they are found',
    );
}

export type BlockArguments = ArgumentsCamelCase<Awaited<ReturnType<typeof options>['argv']>>;

export const blockCommand: CommandModule<object, BlockArguments> = {
  command: 'block [hex]',
  describe: 'cycles of a basic block of x86 machine code, and why',
  builder: options as unknown as (yargs: Argv) => Argv<BlockArguments>,
  // The decoder is large: loaded only by who asks for it.
  handler: async (args) => (await import('../block.ts')).runBlock(args),
};
