import pc from 'picocolors';
import type { Cell, Grid, Scene, Table, Tone, Wires } from './stepper.ts';

type Paint = (text: string) => string;
const plain: Paint = (text) => text;

/** Columns for three digits and an arrow. */
const LEAST_MARGIN = 5;

/** Draws scenes as text; `colors`: for a terminal that has them. */
export function terminalDrawing(colors: boolean): (scene: Scene, cycles: number) => string {
  const { yellow, cyan, green, bold, dim } = pc.createColors(colors);
  const tones: Readonly<Record<Tone, Paint>> = { held: yellow, moving: cyan, sum: green, empty: plain };

  /** Lines of text of one PE, all equally wide. */
  const cellLines = ({ registers, busy }: Cell, names: number, width: number): string[] =>
    registers.map(({ name, text, tone }) => {
      const value = tones[tone](text.padStart(width));
      const label = name.padEnd(names);
      return `${busy ? label : dim(label)} ${value}`;
    });

  const gridLines = ({ name, cells, left, top, right, bottom }: Grid, isOnly: boolean): string[] => {
    const all = cells.flat();
    const names = Math.max(...all.flatMap(({ registers }) => registers.map((one) => one.name.length)));
    const texts = [
      ...all.flatMap(({ registers }) => registers.map((one) => one.text)),
      ...(top?.values ?? []),
      ...(bottom?.values ?? []),
    ];
    const width = Math.max(3, ...texts.map((text) => text.length));
    // As wide in every cycle: a walk does not jump.
    const margin = left === null ? 0 : Math.max(LEAST_MARGIN, ...left.values.map((text) => text.length + 2));
    const inner = names + 1 + width;
    const rule = (ends: string): string =>
      `${' '.repeat(margin)}${ends[0]}${cells[0]!.map(() => '─'.repeat(inner + 2)).join(ends[1])}${ends[2]}`;
    const wires = (one: Wires | null, arrow: string): string[] => {
      if (one === null) return [];
      const values = one.values.map((text) => (text === '' ? '' : `${text} ${arrow}`).padStart(inner + 2));
      return [`${' '.repeat(margin)} ${values.join(' ')}  ${dim(one.name)}`];
    };
    const rows = cells.flatMap((row, r) => {
      const lines = row.map((cell) => cellLines(cell, names, width));
      const entering = left?.values[r] ?? '';
      return [
        ...(r === 0 ? [] : [rule('├┼┤')]),
        ...lines[0]!.map((_, index) => {
          const arrow = index === 0 && entering !== '' ? `${cyan(entering)} →` : '';
          const out = index === 0 && (right?.values[r] ?? '') !== '' ? ` → ${green(right!.values[r])}` : '';
          const space = ' '.repeat(margin - (arrow === '' ? 0 : entering.length + 2));
          return `${space}${arrow}│ ${lines.map((one) => one[index]!).join(' │ ')} │${out}`;
        }),
      ];
    });
    return [
      ...(isOnly ? [] : [bold(name)]),
      ...wires(top, '↓'),
      rule('┌┬┐'),
      ...rows,
      rule('└┴┘'),
      ...wires(bottom, '↓'),
      ...[left, right].flatMap((wires) => (wires?.values.some((text) => text !== '') ? [dim(`→ ${wires.name}`)] : [])),
    ];
  };

  const tableLines = ({ name, rows }: Table): string[] => {
    const width = Math.max(...rows.flat().map(({ text }) => Math.max(1, text.length)));
    return [
      name,
      ...rows.map((row) =>
        row
          .map(({ text, mark }) => {
            const value = (text === '' ? '.' : text).padStart(width);
            return mark === 'active' ? cyan(`${value}*`) : mark === 'waiting' ? dim(`${value} `) : `${value} `;
          })
          .join(' '),
      ),
    ];
  };

  return (scene, cycles) => {
    const { cycle, says, grids, links, tables } = scene;
    return [
      `${bold(`cycle ${cycle} of ${cycles}`)}  ${says.join('; ')}`,
      '',
      ...grids.flatMap((grid) => gridLines(grid, grids.length === 1)),
      ...links.map(({ from, to, text }) => `${from} → ${to}: ${text}`),
      '',
      ...beside(tables.map(tableLines)),
      '',
    ].join('\n');
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no room on the terminal
const COLOR = /\x1b\[\d+m/g;

/** Blocks of lines next to each other. */
function beside(blocks: readonly (readonly string[])[]): string[] {
  const visible = (line: string): number => line.replace(COLOR, '').length;
  const widths = blocks.map((block) => Math.max(...block.map(visible)));
  const height = Math.max(0, ...blocks.map((block) => block.length));
  return Array.from({ length: height }, (_, row) =>
    blocks
      .map((block, index) => {
        const line = block[row] ?? '';
        return line + ' '.repeat(widths[index]! - visible(line));
      })
      .join('    ')
      .trimEnd(),
  );
}
