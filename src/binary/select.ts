import { InputError } from '../errors.ts';
import { didYouMean, suggestion } from '../suggest.ts';
import { type CodeSection, type CodeSymbol, type ElfFile, isElf, readElf } from './elf.ts';
import { MARKER_BYTES, markedRegions } from './markers.ts';

/** What to take of a file of machine code; without either, the marked regions. */
export interface Selection {
  readonly symbol?: string | undefined;
  /** START:END or SECTION:START:END; END is left out. */
  readonly range?: string | undefined;
}

/** A piece of code as it lies in a file. */
export interface CodeRegion {
  /** Empty for a file that is code as a whole. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Bytes before it that still count as its start: a marker at the head of a loop. */
  readonly leadBytes: number;
}

/** Functions named where a user has to choose one. */
const SHOWN_NAMES = 8;

/** Code regions of an object file, an executable or plain machine code. Throws InputError. */
export function selectCode(bytes: Uint8Array, file: string, selection: Selection): CodeRegion[] {
  if (selection.symbol !== undefined && selection.range !== undefined)
    throw InputError.of('--symbol', 'given together with --range', 'give one of them');
  if (isElf(bytes)) return selectElf(readElf(bytes, file), file, selection);
  if (selection.symbol !== undefined)
    throw InputError.of('--symbol', `${file} is no ELF file and names nothing`, 'use --range, or give an ELF file');
  const whole: CodeSection = { name: file, address: 0n, bytes };
  if (selection.range !== undefined) return [rangeOf([whole], selection.range)];
  const marked = markedIn(whole);
  return marked.length > 0 ? marked : [{ name: '', bytes, leadBytes: 0 }];
}

function selectElf({ sections, symbols }: ElfFile, file: string, { symbol, range }: Selection): CodeRegion[] {
  if (sections.length === 0) throw InputError.of(file, 'holds no code', 'give an object file or executable with code');
  if (symbol !== undefined) return [functionOf(symbols, symbol, file)];
  if (range !== undefined) return [rangeOf(sections, range)];
  const marked = sections.flatMap(markedIn);
  if (marked.length > 0) return marked;
  const names = [...new Set(symbols.filter(({ sizeBytes }) => sizeBytes > 0).map(({ name }) => name))];
  const known = names.length === 0 ? 'it names no function' : `it has ${listed(names)}`;
  throw InputError.of(
    file,
    'has no marked region',
    `name a part with --symbol or --range (${known}), or mark it: mov ebx, 111; .byte 0x64, 0x67, 0x90 before it, mov ebx, 222 and the same bytes after`,
  );
}

function markedIn(section: CodeSection): CodeRegion[] {
  const regions = markedRegions(section.bytes, section.name, section.address);
  return regions.map(({ start, end }, index) => ({
    name: `region ${index + 1} of ${section.name}`,
    bytes: section.bytes.subarray(start, end),
    leadBytes: MARKER_BYTES,
  }));
}

function functionOf(symbols: readonly CodeSymbol[], name: string, file: string): CodeRegion {
  const symbol = symbols.find((one) => one.name === name);
  if (symbol === undefined) {
    const names = [...new Set(symbols.map((one) => one.name))];
    const nearest = suggestion(name, names);
    const remedy =
      nearest !== null
        ? `did you mean ${nearest}?`
        : names.length === 0
          ? 'the file is stripped of its names; use --range'
          : `it has ${listed(names)}`;
    throw InputError.of('--symbol', `${file} has no function ${name}`, remedy);
  }
  const { section, offset } = symbol;
  // Hand-written assembly often leaves the size out: the function ends where the next one starts.
  const next = symbols.reduce(
    (least, one) => (one.section === section && one.offset > offset && one.offset < least ? one.offset : least),
    section.bytes.length,
  );
  const end = symbol.sizeBytes > 0 ? offset + symbol.sizeBytes : next;
  return { name, bytes: section.bytes.subarray(offset, end), leadBytes: 0 };
}

/** Names a user can choose from, the first of them if they are many. */
function listed(names: readonly string[]): string {
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : '';
  return names.slice(0, SHOWN_NAMES).join(', ') + more;
}

const RANGE = /^(?:([^:]+):)?(0x[0-9a-f]{1,16}|\d{1,19}):(0x[0-9a-f]{1,16}|\d{1,19})$/i;

/** Addresses as a disassembler prints them: in memory for executables, from the start of the section in object files. */
function rangeOf(sections: readonly CodeSection[], range: string): CodeRegion {
  const [, name, from, to] = RANGE.exec(range) ?? [];
  if (from === undefined || to === undefined)
    throw InputError.of('--range', range, 'write START:END as numbers or 0x..., for example 0x1130:0x1158');
  const start = BigInt(from);
  const end = BigInt(to);
  if (end <= start) throw InputError.of('--range', `${range} is empty`, 'END is the first byte after the code');
  const named = name === undefined ? sections : sections.filter((section) => section.name === name);
  if (named.length === 0)
    throw InputError.of(
      '--range',
      `there is no section ${name} with code`,
      didYouMean(
        name ?? '',
        sections.map((one) => one.name),
      ),
    );
  const section = named.find(
    ({ address, bytes }) => address <= start && end <= address + BigInt(bytes.length) && bytes.length > 0,
  );
  if (section === undefined) {
    const spans = named
      .slice(0, SHOWN_NAMES)
      .map(
        (one) => `${one.name} 0x${one.address.toString(16)}:0x${(one.address + BigInt(one.bytes.length)).toString(16)}`,
      );
    throw InputError.of('--range', `${range} lies outside of the code`, `code is in ${spans.join(', ')}`);
  }
  const offset = Number(start - section.address);
  return { name: from, bytes: section.bytes.subarray(offset, offset + Number(end - start)), leadBytes: 0 };
}
