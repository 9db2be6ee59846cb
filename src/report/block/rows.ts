import type { BlockSummary } from './report.ts';

/** Columns of many blocks, one row each. */
export const BLOCK_COLUMNS = ['id', 'mode', 'hex', 'cycles', 'bottleneck', 'unknown'] as const;

export function blockRow(one: BlockSummary): string[] {
  return [
    one.id ?? '',
    one.mode,
    one.hex,
    String(one.cyclesPerIteration),
    one.bottleneck,
    String(one.unknownInstructions.length),
  ];
}

const ID_WIDTH = 24;
const NAME_WIDTH = 24;
/** Blocks are told apart by their id; their code is shown as far as it fits. */
const HEX_WIDTH = 48;

/** A line for the terminal, of fixed widths since rows are printed as they are found. */
export function blockLine(cells: readonly string[]): string {
  const [id = '', mode = '', hex = '', cycles = '', bottleneck = '', unknown = ''] = cells;
  const code = hex.length > HEX_WIDTH ? `${hex.slice(0, HEX_WIDTH - 3)}...` : hex;
  // The end of a name tells the parts of a function apart.
  const name = id.length > ID_WIDTH ? `~${id.slice(1 - ID_WIDTH)}` : id;
  const parts = [
    name.padEnd(ID_WIDTH),
    mode.padEnd(8),
    (Number(cycles) > 0 ? Number(cycles).toFixed(2) : cycles).padStart(9),
    bottleneck.padEnd(NAME_WIDTH),
    unknown.padStart(7),
    code,
  ];
  return `${parts.join('  ')}\n`;
}
