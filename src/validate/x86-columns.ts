/** Names in the header line of a CSV. */
export function columnsOf(text: string): string[] {
  return text
    .slice(0, text.search(/\r?\n/))
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((name) => name.trim());
}

/** Whether a CSV holds measured basic blocks; told apart without loading the decoder. */
export function isBlocksCsv(text: string): boolean {
  const header = columnsOf(text);
  return ['hex', 'mode', 'cycles_measured'].every((column) => header.includes(column));
}
