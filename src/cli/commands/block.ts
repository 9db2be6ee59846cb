import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { COMMON } from '../options.ts';

const { set, format, out, quiet } = COMMON;

function options(yargs: Argv) {
  return yargs
    .positional('hex', {
      type: 'string',
      describe: 'machine code of one block: 4801c0, "48 01 c0", "0x48, 0x01, 0xc0" or "\\x48\\x01\\xc0"',
    })
    .options({
      file: {
        type: 'string',
        requiresArg: true,
        describe:
          'a CSV with a column hex (id and mode if wanted), an ELF object or executable, machine code, or hex digits; - reads standard input',
      },
      symbol: { type: 'string', requiresArg: true, describe: 'of an ELF file: this function' },
      range: {
        type: 'string',
        requiresArg: true,
        describe: 'of --file: the code at [SECTION:]START:END, as a disassembler numbers it',
      },
      arch: { type: 'string', default: 'cascadelake', describe: 'the core' },
      mode: {
        choices: ['unrolled', 'loop', 'both'] as const,
        describe:
          'copies one after another (default), one in a loop (default where it jumps back to its start), or both',
      },
      timeline: {
        type: 'string',
        describe: 'the first iterations cycle by cycle: in the terminal, or into FILE.html or FILE.log (for Konata)',
      },
      iterations: {
        type: 'string',
        requiresArg: true,
        describe: 'iterations in the timeline (default: 3 in the terminal, 16 in a file)',
      },
      set,
      format,
      out,
      quiet,
    })
    .epilogue(
      'Of an ELF file without --symbol and --range the marked regions are taken: between mov ebx, 111 and mov ebx, 222, each followed by the bytes 64 67 90, as for IACA, OSACA and uiCA. Code is parted at its jumps and calls.',
    )
    .example('$0 block 480fafc04801c8', 'a chain of multiplications: cycles, ports, what bounds it')
    .example('$0 block c5f857c0 --mode loop --timeline', 'a zero idiom, and where its cycles go')
    .example('$0 block 480fafc0 --timeline imul.html', 'the same as a page to scroll through')
    .example('$0 block 4801c0 --set renamer.slots=5', 'on a core that does not exist')
    .example('$0 block --file kernel.o', 'the marked loops of an object file')
    .example('$0 block --file a.out --symbol dot --format csv', 'every straight-line part of a function')
    .example('$0 block --file blocks.csv --arch skylake --format json', 'many blocks, printed as they are found');
}

export type BlockArguments = ArgumentsCamelCase<Awaited<ReturnType<typeof options>['argv']>>;

export const blockCommand: CommandModule<object, BlockArguments> = {
  command: 'block [hex]',
  describe: 'cycles of a basic block of x86 machine code, and why',
  builder: options as unknown as (yargs: Argv) => Argv<BlockArguments>,
  // The decoder is large: loaded only by who asks for it.
  handler: async (args) => (await import('../block.ts')).runBlock(args),
};
