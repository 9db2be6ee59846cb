import { Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import { isElf } from '../binary/elf.ts';
import { type CodeRegion, type Selection, selectCode } from '../binary/select.ts';
import { InputError } from '../errors.ts';
import { readInputPieces } from '../files.ts';
import { straightParts } from '../models/x86/flow.ts';
import { bytesOfHex } from '../models/x86/hex.ts';
import type { Mode } from '../models/x86/predict.ts';

export type ModeChoice = Mode | 'both';

/** A block's code and how it is to be run. */
export interface Block {
  readonly bytes: Uint8Array;
  readonly modes: readonly Mode[];
}

/** One block as it was given. */
export interface BlockInput {
  readonly id: string | null;
  /** Where it stands, for messages. */
  readonly where: string;
  /** Throws InputError: only now, so that one bad row of a file does not lose the others. */
  readonly read: () => Block;
}

/** Largest file of machine code read as a whole. */
const MAX_CODE_BYTES = 128 * 2 ** 20;
const MAX_RECORD_BYTES = 2 ** 20;
/** How far into a file its kind is looked for. */
const SNIFFED_BYTES = 4096;
const CODE_NAMES = /\.(?:bin|raw|o|so|elf|out)$/i;

/** `choice`: what the user asked for; `own`: what the block asks for itself. */
function modesOf(choice: ModeChoice | undefined, own: () => Mode): readonly Mode[] {
  if (choice === undefined) return [own()];
  return choice === 'both' ? ['unrolled', 'loop'] : [choice];
}

/**
 * Code as straight-line blocks; those that jump back to their own start are loops. Throws InputError for code without any.
 * `name` is empty where the whole file at `path` is code.
 */
function blocksOfCode(
  { name, bytes, leadBytes }: CodeRegion,
  path: string,
  choice: ModeChoice | undefined,
): BlockInput[] {
  const parts = straightParts(bytes, leadBytes);
  if (parts.length === 0)
    throw InputError.of(name || path, 'holds no instructions but jumps', 'give a part that computes something');
  return parts.map((part) => {
    const id = parts.length === 1 && name === '' ? null : placeOf(name, part.offset);
    return {
      id,
      where: id ?? path,
      read: () => ({ bytes: part.bytes, modes: modesOf(choice, () => (part.isLoop ? 'loop' : 'unrolled')) }),
    };
  });
}

/** `dot+0x1f`, or `0x1f` in code without a name. */
function placeOf(name: string, offset: number): string {
  const place = `0x${offset.toString(16)}`;
  if (name === '') return place;
  return offset === 0 ? name : `${name}+${place}`;
}

/** Whether code ends in what may be a conditional jump: 70 to 7F, or 0F 80 to 0F 8F with four bytes of distance. */
function mayEndInJump(code: Uint8Array): boolean {
  return (code.at(-2)! & 0xf0) === 0x70 || (code.at(-6) === 0x0f && (code.at(-5)! & 0xf0) === 0x80);
}

/** A block as hex digits; a jump back to its start makes it a loop. Throws InputError. */
function readHex(hex: string, choice: ModeChoice | undefined, own: () => Mode | null): Block {
  const bytes = bytesOfHex(hex);
  const [part, ...rest] = mayEndInJump(bytes) ? straightParts(bytes, 0) : [];
  const isLoop = part?.isLoop === true && rest.length === 0;
  return {
    bytes: isLoop ? part.bytes : bytes,
    modes: modesOf(choice, () => own() ?? (isLoop ? 'loop' : 'unrolled')),
  };
}

/** One block as hex digits. */
export function blockOfHex(hex: string, choice: ModeChoice | undefined): BlockInput {
  return { id: null, where: 'block', read: () => readHex(hex, choice, () => null) };
}

function modeOf(text: string | undefined): Mode | null {
  if (text === undefined || text === '') return null;
  if (text === 'unrolled' || text === 'loop') return text;
  throw InputError.of('mode', JSON.stringify(text), 'write unrolled or loop');
}

type Told = (error: InputError) => void;

/**
 * Blocks of a file: a CSV with a column hex, a text of hex digits, an ELF file, or plain machine code. Rows of a CSV follow
 * one by one; `told` hears of those that cannot be read. Throws InputError for a file that is none of these.
 */
export async function* blocksOfFile(
  path: string,
  selection: Selection,
  choice: ModeChoice | undefined,
  told: Told,
): AsyncGenerator<BlockInput> {
  const pieces = readInputPieces(path);
  const first = pieces.next().value ?? new Uint8Array(0);
  if (first.length === 0)
    throw InputError.of(path, 'is empty', 'give a CSV with a column hex, an ELF file or machine code');
  const isChosen = selection.symbol !== undefined || selection.range !== undefined;
  if (isElf(first) || isChosen || CODE_NAMES.test(path) || !isText(first)) {
    for (const region of selectCode(gather(first, pieces, path), path, selection))
      yield* blocksOfCode(region, path, choice);
    return;
  }
  const text = new TextDecoder().decode(first);
  if (/^[\s\uFEFF]*(?:b["'])?[0-9a-f\\{["'][0-9a-fx\\\s,;:"'{}[\]]*$/i.test(text)) {
    const hex = new TextDecoder().decode(gather(first, pieces, path)).trim();
    yield blockOfHex(hex, choice);
    return;
  }
  yield* blocksOfCsv(path, restart(first, pieces), choice, told);
}

/** UTF-8 without control characters. */
function isText(bytes: Uint8Array): boolean {
  const start = bytes.subarray(0, SNIFFED_BYTES);
  if (!start.every((one) => (one >= 0x20 && one !== 0x7f) || (one >= 9 && one <= 13))) return false;
  try {
    // As a stream: the last character may be cut off.
    new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function* restart(first: Uint8Array, rest: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield first;
  yield* rest;
}

function gather(first: Uint8Array, rest: Iterable<Uint8Array>, path: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (const piece of restart(first, rest)) {
    pieces.push(piece);
    length += piece.length;
    if (length > MAX_CODE_BYTES)
      throw InputError.of(path, 'is too long for machine code', `give at most ${MAX_CODE_BYTES} bytes`);
  }
  return Buffer.concat(pieces, length);
}

async function* blocksOfCsv(
  path: string,
  pieces: Iterable<Uint8Array>,
  choice: ModeChoice | undefined,
  told: Told,
): AsyncGenerator<BlockInput> {
  const parser = parse({
    columns: (header: string[]) => {
      if (!header.includes('hex'))
        throw InputError.of(
          path,
          `has no column hex (its first line: ${JSON.stringify(header.join(',').slice(0, 60))})`,
          'write a header line with hex, and mode and id if wanted',
        );
      return header;
    },
    trim: true,
    skip_empty_lines: true,
    bom: true,
    relax_column_count: true,
    max_record_size: MAX_RECORD_BYTES,
    skip_records_with_error: true,
    on_skip: (error: CsvError | undefined) => {
      if (error instanceof InputError) throw error;
      if (error !== undefined) told(InputError.of(path, error.message, 'mend the line; quotes come in pairs'));
      return undefined;
    },
  });
  const records: AsyncIterable<Readonly<Record<string, string>>> = Readable.from(pieces).pipe(parser);
  let row = 0;
  for await (const record of records) {
    row += 1;
    yield {
      id: record['id'] ?? null,
      where: `${path}: row ${row}`,
      read: () => readHex(record['hex'] ?? '', choice, () => modeOf(record['mode'])),
    };
  }
}
