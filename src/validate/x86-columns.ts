/** Whether a CSV holds measured basic blocks; told apart without loading the decoder. */
export function isBlocksCsv(text: string): boolean {
  const header = text
    .slice(0, text.search(/\r?\n/))
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((name) => name.trim());
  return ['hex', 'mode', 'cycles_measured'].every((column) => header.includes(column));
}
