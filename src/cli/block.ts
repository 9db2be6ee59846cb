import { parse } from 'csv-parse/sync';
import { InputError } from '../errors.ts';
import { readInput, requireWritable } from '../files.ts';
import { boundsOf } from '../models/x86/bounds.ts';
import { formatInstructions } from '../models/x86/decode.ts';
import { bytesOfHex } from '../models/x86/hex.ts';
import { type Core, type Mode, predict, prepare } from '../models/x86/predict.ts';
import { traceBlock } from '../models/x86/trace.ts';
import { loadCore } from '../x86-core.ts';
import { csvLines, markdownTable } from '../report/tables.ts';
import type { BlockArguments } from './commands/block.ts';
import { readFormat } from './options.ts';
import { deliver, say } from './output.ts';
import { columns } from './text.ts';
import { timelineText } from './timeline.ts';

/** One block as `--format json` prints it. */
interface BlockResult {
  readonly id?: string;
  readonly hex: string;
  readonly mode: Mode;
  readonly cyclesPerIteration: number;
  readonly bottleneck: string;
  readonly bounds: Readonly<Record<string, number>>;
  readonly ports: Readonly<Record<string, number>>;
  /** Instructions of the longest dependence chain, counted from 0. */
  readonly chain: readonly number[];
  readonly unknownInstructions: readonly string[];
}

const TIMELINE_ITERATIONS = 3;
const round = (value: number): number => Number(value.toFixed(4));

function resultOf(hex: string, mode: Mode, core: Core): BlockResult {
  const block = prepare(bytesOfHex(hex), mode, core);
  const { cyclesPerIteration, portUops } = predict(block, core);
  const { cycles, bottleneck, chain } = boundsOf(block, portUops, core.spec);
  const ports = core.spec.backEnd.ports.map((port): [string, number] => [String(port), round(portUops[port]!)]);
  return {
    hex,
    mode,
    cyclesPerIteration: round(cyclesPerIteration),
    bottleneck,
    bounds: Object.fromEntries(Object.entries(cycles).map(([name, value]) => [name, round(value)])),
    ports: Object.fromEntries(ports),
    chain,
    unknownInstructions: block.program.unknown,
  };
}

function tableText(result: BlockResult): string {
  const instructions = formatInstructions(bytesOfHex(result.hex));
  const code = instructions.map((text, index) => [result.chain.includes(index) ? '*' : '', text]);
  const bounds = Object.entries(result.bounds)
    .filter(([, cycles]) => cycles > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([name, cycles]) => [name, cycles.toFixed(2)]);
  const ports = Object.entries(result.ports);
  const unknown =
    result.unknownInstructions.length === 0 ? '' : `\nUnknown, estimated: ${result.unknownInstructions.join('; ')}\n`;
  return [
    `${result.cyclesPerIteration.toFixed(2)} cycles per iteration (${result.mode}), bound by: ${result.bottleneck}\n`,
    columns([['', 'instruction (* on the longest dependence chain)'], ...code], [0, 1]),
    columns([['bound', 'cycles'], ...bounds], [0]),
    columns([ports.map(([port]) => `port ${port}`), ports.map(([, uops]) => uops.toFixed(2))]),
  ]
    .join('\n')
    .concat(unknown);
}

const HEAD = ['id', 'mode', 'hex', 'cycles', 'bottleneck', 'unknown'];
const rowOf = (one: BlockResult): string[] => [
  one.id ?? '',
  one.mode,
  one.hex,
  String(one.cyclesPerIteration),
  one.bottleneck,
  String(one.unknownInstructions.length),
];

function modeOf(text: string | undefined, where: string): Mode {
  if (text === undefined || text === '' || text === 'unrolled') return 'unrolled';
  if (text === 'loop') return 'loop';
  throw InputError.of(where, text, 'write unrolled or loop');
}

/** Results of a file's rows one by one; what is wrong with a row is told and the next one follows. */
function* resultsOf(file: string, mode: Mode | undefined, core: Core, wrong: (error: InputError) => void) {
  const records = parse(readInput(file), {
    columns: true,
    trim: true,
    skip_empty_lines: true,
    bom: true,
    relax_column_count: true,
  }) as Readonly<Record<string, string>>[];
  if (records[0]?.['hex'] === undefined) throw InputError.of(file, 'has no column hex', 'write a header line with hex');
  for (const [index, row] of records.entries()) {
    try {
      const found = resultOf(row['hex'] ?? '', mode ?? modeOf(row['mode'], 'mode'), core);
      yield row['id'] === undefined ? found : { id: row['id'], ...found };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const where = `${file}: row ${index + 1}`;
      wrong(new InputError(error.problems.map((one) => ({ ...one, where: `${where}: ${one.where}` }))));
    }
  }
}

function runFile(args: BlockArguments, file: string, core: Core): void {
  const format = readFormat(args.format);
  let bad = 0;
  const results = resultsOf(file, args.mode, core, (error) => {
    bad += 1;
    process.stderr.write(`${error.message}\n`);
  });
  const line = (one: BlockResult): string => (format === 'json' ? `${JSON.stringify(one)}\n` : csvLines([rowOf(one)]));
  if (format === 'md') deliver(markdownTable(HEAD, [...results].map(rowOf)), args.out, args.quiet);
  else if (args.out !== undefined) {
    requireWritable(args.out);
    const text = [...results].map(line).join('');
    deliver(format === 'json' ? text : csvLines([HEAD]) + text, args.out, args.quiet);
  } else {
    if (format !== 'json') process.stdout.write(csvLines([HEAD]));
    for (const one of results) process.stdout.write(line(one));
  }
  if (bad === 0) return;
  say(`${bad} ${bad === 1 ? 'row is' : 'rows are'} left out`, args.quiet);
  process.exitCode = 2;
}

/** `accsim block`: one block from the command line, or a file of them. Throws InputError. */
export function runBlock(args: BlockArguments): void {
  const { hex, file } = args;
  if ((hex === undefined) === (file === undefined))
    throw InputError.of('block', hex === undefined ? 'nothing given' : 'both HEX and --file', 'give HEX or --file CSV');
  const core = loadCore(args.arch, args.set ?? []);
  if (file !== undefined) return runFile(args, file, core);
  const mode = args.mode ?? 'unrolled';
  const result = resultOf(hex!, mode, core);
  const format = readFormat(args.format);
  const text = {
    json: () => `${JSON.stringify(result)}\n`,
    csv: () => csvLines([HEAD, rowOf(result)]),
    md: () => `${markdownTable(HEAD, [rowOf(result)])}\n`,
    html: () => {
      throw InputError.of('--format', 'html', 'use table, json, csv or md');
    },
    table: () => tableText(result),
  }[format]();
  const block = args.timeline ? prepare(bytesOfHex(hex!), mode, core) : null;
  const timeline =
    block === null ? '' : `\n${timelineText(block.program, traceBlock(block, core, TIMELINE_ITERATIONS))}`;
  deliver(`${text}${timeline}`, args.out, args.quiet);
}
