import { InputError } from '../errors.ts';
import { requireWritable, writeOutput } from '../files.ts';
import type { Core, Mode } from '../models/x86/predict.ts';
import { type BlockSummary, reportBlock, summarise } from '../report/block/report.ts';
import { BLOCK_COLUMNS, blockLine, blockRow } from '../report/block/rows.ts';
import { renderBlock, renderBlockMarkdown } from '../report/block/table.ts';
import { timelineText } from '../report/block/timeline.ts';
import { renderBlockPage } from '../report/block/page.ts';
import { htmlPage, htmlTable } from '../report/html.ts';
import { csvLines, markdownTable } from '../report/tables.ts';
import { loadCore } from '../x86-core.ts';
import { type BlockInput, blockOfHex, blocksOfFile } from './block-input.ts';
import { drawnTimeline, timelineFile, timelineKind } from './block-timeline.ts';
import type { BlockArguments } from './commands/block.ts';
import { type Format, readFormat, readWhole } from './options.ts';
import { deliver, say, terminal } from './output.ts';

/** Reads a block and does something with each of its modes; what is wrong with it is told with its place. */
function withBlock(input: BlockInput, act: (bytes: Uint8Array, mode: Mode) => void): void {
  try {
    const { bytes, modes } = input.read();
    for (const mode of modes) act(bytes, mode);
  } catch (error) {
    if (!(error instanceof InputError) || input.where === 'block') throw error;
    throw new InputError(error.problems.map((one) => ({ ...one, where: `${input.where}: ${one.where}` })));
  }
}

/** One block, seen closely. */
function runOne(args: BlockArguments, input: BlockInput, core: Core): void {
  const format = readFormat(args.format);
  const iterations = readWhole(args.iterations, 'iterations');
  const kind = args.timeline === undefined || args.timeline === '' ? null : timelineKind(args.timeline);
  if (kind !== null) requireWritable(args.timeline!);
  if (iterations !== undefined && args.timeline === undefined && format !== 'html')
    throw InputError.of('--iterations', 'without a timeline', 'add --timeline, or --format html');
  const texts: string[] = [];
  let file: string | null = null;
  let seen = 0;
  withBlock(input, (bytes, mode) => {
    seen += 1;
    if (seen > 1 && (kind !== null || format === 'html'))
      throw InputError.of('--mode', 'both', 'choose unrolled or loop for a page or a file');
    const report = reportBlock(bytes, mode, core, [args.arch, ...(args.set ?? [])].join(' '), input.id);
    const drawn = (isLog: boolean, isFile: boolean) => drawnTimeline(report, bytes, core, iterations, isLog, isFile);
    const text = {
      json: () => `${JSON.stringify(report)}\n`,
      csv: () => csvLines(seen === 1 ? [BLOCK_COLUMNS, blockRow(report)] : [blockRow(report)]),
      md: () => renderBlockMarkdown(report),
      html: () => renderBlockPage(report, drawn(false, true)),
      table: () => renderBlock(report, args.out === undefined && terminal().colors),
    }[format]();
    const isDrawn = args.timeline === '' && format === 'table';
    const timeline = isDrawn ? `\n${timelineText(drawn(false, false), terminal().width)}` : '';
    texts.push(text + timeline);
    if (kind !== null) file = timelineFile(kind, report, drawn(kind === 'konata', true));
  });
  deliver(texts.join(format === 'table' || format === 'md' ? '\n' : ''), args.out, args.quiet);
  if (file === null) return;
  writeOutput(args.timeline!, file);
  say(`wrote ${args.timeline}${kind === 'konata' ? ' (open it with Konata)' : ''}`, args.quiet);
}

/** Text of one row as it is printed while others are still to come. */
const LINES: Readonly<Partial<Record<Format, (one: BlockSummary) => string>>> = {
  json: (one) => `${JSON.stringify(one)}\n`,
  csv: (one) => csvLines([blockRow(one)]),
  table: (one) => blockLine(blockRow(one)),
};
const HEADS: Readonly<Partial<Record<Format, string>>> = {
  csv: csvLines([BLOCK_COLUMNS]),
  table: blockLine(BLOCK_COLUMNS),
};

/** Many blocks, a row each, printed as they are found; bad ones are told and left out. */
async function runMany(args: BlockArguments, inputs: AsyncIterable<BlockInput>, core: Core, told: Told): Promise<void> {
  const format = readFormat(args.format);
  if (args.timeline !== undefined || args.iterations !== undefined)
    throw InputError.of('--timeline', 'more than one block', 'choose one with --symbol or --range, or give its HEX');
  if (args.out !== undefined) requireWritable(args.out);
  const line = LINES[format];
  const rows: string[][] = [];
  const texts: string[] = [];
  const put = (text: string): void => {
    if (args.out === undefined) process.stdout.write(text);
    else texts.push(text);
  };
  if (line !== undefined) put(HEADS[format] ?? '');
  for await (const input of inputs) {
    try {
      withBlock(input, (bytes, mode) => {
        const one = summarise(bytes, mode, core, input.id);
        if (line === undefined) rows.push(blockRow(one));
        else put(line(one));
      });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      told(error);
    }
  }
  if (format === 'md') put(`${markdownTable(BLOCK_COLUMNS, rows)}\n`);
  if (format === 'html') put(htmlPage(`Blocks of ${args.file} on ${args.arch}`, htmlTable(BLOCK_COLUMNS, rows)));
  if (args.out !== undefined) deliver(texts.join(''), args.out, args.quiet);
}

type Told = (error: InputError) => void;

/** The first two of what comes, and all of it. */
async function peek<Item>(source: AsyncGenerator<Item>): Promise<{ ahead: Item[]; all: AsyncIterable<Item> }> {
  const ahead: Item[] = [];
  while (ahead.length < 2) {
    const { value, done } = await source.next();
    if (done === true) break;
    ahead.push(value);
  }
  async function* all(): AsyncGenerator<Item> {
    yield* ahead;
    yield* source;
  }
  return { ahead, all: all() };
}

/** `accsim block`: one block, or those of a file. Throws InputError. */
export async function runBlock(args: BlockArguments): Promise<void> {
  const { hex, file, mode, symbol, range } = args;
  if (hex === undefined && file === undefined && args.timeline)
    throw InputError.of('block', `nothing given but --timeline ${args.timeline}`, 'put HEX before --timeline');
  if ((hex === undefined) === (file === undefined))
    throw InputError.of(
      'block',
      hex === undefined ? 'nothing given' : 'both HEX and --file',
      'give HEX or --file FILE',
    );
  if (file === undefined && (symbol !== undefined || range !== undefined))
    throw InputError.of(symbol === undefined ? '--range' : '--symbol', 'without --file', 'give the file it is in');
  const core = loadCore(args.arch, args.set ?? []);
  if (file === undefined) return runOne(args, blockOfHex(hex!, mode), core);
  let bad = 0;
  const told: Told = (error) => {
    bad += 1;
    process.stderr.write(`${error.message}\n`);
  };
  const { ahead, all } = await peek(blocksOfFile(file === '-' ? '/dev/stdin' : file, { symbol, range }, mode, told));
  if (ahead.length === 1 && bad === 0) return runOne(args, ahead[0]!, core);
  await runMany(args, all, core, told);
  if (bad === 0) return;
  say(`${bad} ${bad === 1 ? 'block is' : 'blocks are'} left out`, args.quiet);
  process.exitCode = 2;
}
