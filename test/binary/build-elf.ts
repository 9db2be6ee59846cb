/** A symbol of the file that is built: where it lies in its section. */
export interface BuiltSymbol {
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

const HEADER = 64;
const SECTION = 64;

/** An ELF file as linkers write it: one code section, its symbols, and the tables of names. */
export function buildElf(
  code: Uint8Array,
  symbols: readonly BuiltSymbol[],
  { isObject = true, address = 0n, section = '.text' } = {},
): Uint8Array {
  const encoder = new TextEncoder();
  const names = encoder.encode(`\0${section}\0.symtab\0.strtab\0.shstrtab\0`);
  const nameAt = (name: string): number => new TextDecoder().decode(names).indexOf(`\0${name}\0`) + 1;
  const strings = encoder.encode(`\0${symbols.map(({ name }) => `${name}\0`).join('')}`);
  const table = new Uint8Array(24 * (symbols.length + 1));
  const symbolView = new DataView(table.buffer);
  let at = 1;
  symbols.forEach(({ name, offset, sizeBytes }, index) => {
    const entry = 24 * (index + 1);
    symbolView.setUint32(entry, at, true);
    symbolView.setUint8(entry + 4, 0x12);
    symbolView.setUint16(entry + 6, 1, true);
    symbolView.setBigUint64(entry + 8, BigInt(offset) + (isObject ? 0n : address), true);
    symbolView.setBigUint64(entry + 16, BigInt(sizeBytes), true);
    at += name.length + 1;
  });

  const parts = [code, table, strings, names];
  const starts: number[] = [];
  let end = HEADER;
  for (const part of parts) {
    starts.push(end);
    end += part.length;
  }
  const bytes = new Uint8Array(end + 5 * SECTION);
  const view = new DataView(bytes.buffer);
  parts.forEach((part, index) => bytes.set(part, starts[index]));
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, isObject ? 1 : 2, true);
  view.setUint16(18, 62, true);
  view.setBigUint64(40, BigInt(end), true);
  view.setUint16(58, SECTION, true);
  view.setUint16(60, 5, true);
  view.setUint16(62, 4, true);
  const sections: [string, number, bigint, bigint, number, number][] = [
    [section, 1, 6n, address, 0, 0],
    ['.symtab', 2, 0n, 0n, 1, 3],
    ['.strtab', 3, 0n, 0n, 2, 0],
    ['.shstrtab', 3, 0n, 0n, 3, 0],
  ];
  sections.forEach(([name, type, flags, place, part, link], index) => {
    const header = end + (index + 1) * SECTION;
    view.setUint32(header, nameAt(name), true);
    view.setUint32(header + 4, type, true);
    view.setBigUint64(header + 8, flags, true);
    view.setBigUint64(header + 16, place, true);
    view.setBigUint64(header + 24, BigInt(starts[part]!), true);
    view.setBigUint64(header + 32, BigInt(parts[part]!.length), true);
    view.setUint32(header + 40, link, true);
  });
  return bytes;
}
