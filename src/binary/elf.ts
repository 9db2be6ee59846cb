import { InputError } from '../errors.ts';

/** A part of a file that holds machine code. */
export interface CodeSection {
  readonly name: string;
  /** Where it lies in memory; 0 in object files. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** A named place in a section. */
export interface CodeSymbol {
  readonly name: string;
  readonly section: CodeSection;
  /** From the start of the section. */
  readonly offset: number;
  /** 0 where the assembler was not told. */
  readonly sizeBytes: number;
}

export interface ElfFile {
  readonly sections: readonly CodeSection[];
  readonly symbols: readonly CodeSymbol[];
}

/** Sections and symbols read at most: far above what linkers write, so that a broken header cannot exhaust memory. */
const MAX_SECTIONS = 100_000;
const MAX_SYMBOLS = 2_000_000;

// Numbers of the System V ABI, "Object Files" and its AMD64 supplement.
const MAGIC = 0x7f454c46;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const MACHINE_X86_64 = 62;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const PROGBITS = 1;
const SYMTAB = 2;
const DYNSYM = 11;
const EXECUTABLE = 4n;
const OBJECT_TYPE = 1;
/** Symbols without a type, functions, and functions chosen at load time. */
const CODE_TYPES: ReadonlySet<number> = new Set([0, 2, 10]);

interface Header {
  readonly name: number;
  readonly type: number;
  readonly flags: bigint;
  readonly address: bigint;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly link: number;
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === MAGIC;
}

/** Code sections and the symbols in them. Throws InputError for what is no 64-bit x86 file or lies outside of it. */
export function readElf(bytes: Uint8Array, file: string): ElfFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isElf(bytes)) throw InputError.of(file, 'does not start as an ELF file', 'give an ELF object or executable');
  if (bytes.length < 64) throw InputError.of(file, `has only ${bytes.length} bytes`, 'give the whole ELF file');
  if (bytes[4] !== CLASS_64 || bytes[5] !== LITTLE_ENDIAN || view.getUint16(18, true) !== MACHINE_X86_64)
    throw InputError.of(file, 'is not code of a 64-bit x86 processor', 'compile for x86-64');

  const slice = (offset: number, size: number, what: string): Uint8Array => {
    if (!(offset >= 0 && size >= 0 && offset + size <= bytes.length))
      throw InputError.of(
        file,
        `${what} lies at bytes ${offset} to ${offset + size} of ${bytes.length}`,
        'the file is cut off or damaged; give the whole file',
      );
    return bytes.subarray(offset, offset + size);
  };
  const headers = readHeaders(view, slice, file);
  const nameTable = headers[stringIndex(view, headers)];
  const names = nameTable === undefined ? null : slice(nameTable.offset, nameTable.sizeBytes, 'the table of names');
  const isObject = view.getUint16(16, true) === OBJECT_TYPE;
  const sections = headers.map((header, index): CodeSection | null => {
    if (header.type !== PROGBITS || (header.flags & EXECUTABLE) === 0n) return null;
    const name = names === null ? `section ${index}` : textAt(names, header.name);
    return { name, address: header.address, bytes: slice(header.offset, header.sizeBytes, `section ${name}`) };
  });
  const symbols = headers
    .filter(({ type }) => type === SYMTAB || type === DYNSYM)
    .flatMap((header) => {
      const table = slice(header.offset, header.sizeBytes, 'the table of symbols');
      const strings = headers[header.link];
      const texts = strings === undefined ? null : slice(strings.offset, strings.sizeBytes, 'the names of symbols');
      return texts === null ? [] : readSymbols(table, texts, sections, isObject, file);
    });
  return { sections: sections.filter((section) => section !== null), symbols: withoutCopies(symbols) };
}

type Slice = (offset: number, size: number, what: string) => Uint8Array;

function readHeaders(view: DataView, slice: Slice, file: string): Header[] {
  const offset = Number(view.getBigUint64(40, true));
  const entry = view.getUint16(58, true);
  if (offset === 0) throw InputError.of(file, 'has no section headers', 'give a file that is not stripped of them');
  if (entry < SECTION_HEADER_BYTES)
    throw InputError.of(file, `has section headers of ${entry} bytes`, 'the file is damaged; give the whole file');
  const first = slice(offset, SECTION_HEADER_BYTES, 'the first section header');
  // More sections than 16 bits can count are counted in the first header.
  const count = view.getUint16(60, true) || Number(headerAt(first).sizeBytes);
  if (count > MAX_SECTIONS)
    throw InputError.of(file, `has ${count} sections`, `a file may have at most ${MAX_SECTIONS}`);
  const table = slice(offset, count * entry, 'the table of sections');
  return Array.from({ length: count }, (_, index) => headerAt(table.subarray(index * entry)));
}

function headerAt(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, SECTION_HEADER_BYTES);
  return {
    name: view.getUint32(0, true),
    type: view.getUint32(4, true),
    flags: view.getBigUint64(8, true),
    address: view.getBigUint64(16, true),
    offset: Number(view.getBigUint64(24, true)),
    sizeBytes: Number(view.getBigUint64(32, true)),
    link: view.getUint32(40, true),
  };
}

/** Which section holds the names of sections; a number beyond 16 bits is in the first header. */
function stringIndex(view: DataView, headers: readonly Header[]): number {
  const index = view.getUint16(62, true);
  return index === 0xffff ? (headers[0]?.link ?? 0) : index;
}

const decoder = new TextDecoder();
function textAt(table: Uint8Array, start: number): string {
  if (start >= table.length) return '';
  const end = table.indexOf(0, start);
  return decoder.decode(table.subarray(start, end < 0 ? table.length : end));
}

function readSymbols(
  table: Uint8Array,
  texts: Uint8Array,
  sections: readonly (CodeSection | null)[],
  isObject: boolean,
  file: string,
): CodeSymbol[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const count = Math.floor(table.length / SYMBOL_BYTES);
  if (count > MAX_SYMBOLS) throw InputError.of(file, `has ${count} symbols`, `a file may have at most ${MAX_SYMBOLS}`);
  const symbols: CodeSymbol[] = [];
  for (let at = 0; at < count * SYMBOL_BYTES; at += SYMBOL_BYTES) {
    const section = sections[view.getUint16(at + 6, true)];
    if (section == null || !CODE_TYPES.has(view.getUint8(at + 4) & 0xf)) continue;
    const name = textAt(texts, view.getUint32(at, true));
    const value = view.getBigUint64(at + 8, true);
    const offset = Number(isObject ? value : value - section.address);
    const sizeBytes = Number(view.getBigUint64(at + 16, true));
    if (name === '' || offset < 0 || offset + sizeBytes > section.bytes.length) continue;
    symbols.push({ name, section, offset, sizeBytes });
  }
  return symbols;
}

/** Executables name a function in both tables. */
function withoutCopies(symbols: readonly CodeSymbol[]): CodeSymbol[] {
  const seen = new Map(symbols.map((symbol) => [`${symbol.name} ${symbol.section.name} ${symbol.offset}`, symbol]));
  return [...seen.values()];
}
