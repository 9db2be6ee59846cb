import type { Cell, Grid, Scene, Table, Wires } from '../stepper.ts';

/** An element with a class, and children or text. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function drawCell({ busy, registers }: Cell): HTMLElement {
  return element(
    'div',
    busy ? 'cell busy' : 'cell',
    ...registers.map(({ name, text, tone }) =>
      element('div', 'register', element('i', '', name), element('span', tone, text)),
    ),
  );
}

/** A row of values above or below the columns of a grid, behind the margin of its left wires. */
function drawAcross(wires: Wires | null, className: string): HTMLElement[] {
  if (wires === null) return [];
  return [
    element('div', ''),
    ...wires.values.map((text) => element('div', `wire down ${className}`, text === '' ? '' : `${text} ↓`)),
  ];
}

function drawGrid({ name, cells, left, top, bottom }: Grid): HTMLElement {
  const grid = element(
    'div',
    'grid',
    ...drawAcross(top, ''),
    ...cells.flatMap((row, r) => {
      const entering = left?.values[r] ?? '';
      return [element('div', 'wire', entering === '' ? '' : `${entering} →`), ...row.map(drawCell)];
    }),
    ...drawAcross(bottom, 'out'),
  );
  grid.style.gridTemplateColumns = `auto repeat(${cells[0]!.length}, auto)`;
  const wires = [left && `→ ${left.name}`, top && `↓ ${top.name}`, bottom && `↓ ${bottom.name}`].filter(Boolean);
  return element('section', '', element('h2', '', name), grid, element('p', 'note', wires.join(' · ')));
}

/** `edit` is told the row, column and new text of an element of an operand. */
function drawTable(
  { name, rows }: Table,
  edit: ((row: number, column: number, text: string) => void) | null,
): HTMLElement {
  const table = element(
    'table',
    '',
    ...rows.map((row, r) =>
      element(
        'tr',
        '',
        ...row.map(({ text, mark }, c) => {
          const cell = element('td', mark, text);
          if (edit === null) return cell;
          cell.contentEditable = 'true';
          cell.addEventListener('blur', () => {
            if (cell.textContent !== text) edit(r, c, cell.textContent ?? '');
          });
          return cell;
        }),
      ),
    ),
  );
  return element('section', '', element('h2', '', name), table);
}

export type Edit = (table: number, row: number, column: number, text: string) => void;

/** All that a scene shows, in place of what was there. */
export function draw(
  into: HTMLElement,
  { says, grids, links, tables, cycle }: Scene,
  cycles: number,
  edit: Edit,
): void {
  const operands = tables.length - 1;
  into.replaceChildren(
    element('p', 'says', element('b', '', `cycle ${cycle} of ${cycles}`), says.join('; ')),
    ...links.map(({ from, to, text }) => element('p', 'note', `${from} → ${to}: ${text}`)),
    element(
      'div',
      'parts',
      ...grids.map(drawGrid),
      ...tables.map((table, index) =>
        drawTable(table, index < operands ? (row, column, text) => edit(index, row, column, text) : null),
      ),
    ),
  );
}
