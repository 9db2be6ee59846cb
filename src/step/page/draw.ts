import type { Cell, Grid, Link, Scene, Table, Wires } from '../stepper.ts';

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

function drawGrid({ name, cells, left, top, right, bottom }: Grid): HTMLElement {
  const along = (wires: Wires | null, row: number, className: string): HTMLElement => {
    const text = wires?.values[row] ?? '';
    const arrow = className === '' ? `${text} →` : `→ ${text}`;
    return element('div', `wire ${className}`, text === '' ? '' : arrow);
  };
  const across = (wires: Wires | null, className: string): HTMLElement[] => {
    if (wires === null) return [];
    const values = wires.values.map((text) => element('div', `wire down ${className}`, text === '' ? '' : `${text} ↓`));
    return [element('div', ''), ...values, element('div', '')];
  };
  const grid = element(
    'div',
    'grid',
    ...across(top, ''),
    ...cells.flatMap((row, r) => [along(left, r, ''), ...row.map(drawCell), along(right, r, 'out')]),
    ...across(bottom, 'out'),
  );
  grid.style.gridTemplateColumns = `auto repeat(${cells[0]!.length}, auto) auto`;
  const notes = [
    left && `→ ${left.name}`,
    top && `↓ ${top.name}`,
    right && `→ ${right.name}`,
    bottom && `↓ ${bottom.name}`,
  ];
  return element('section', '', element('h2', '', name), grid, element('p', 'note', notes.filter(Boolean).join(' · ')));
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

function drawLinks(links: readonly Link[]): HTMLElement[] {
  if (links.length === 0) return [];
  const lines = links.map(({ from, to, text }) => element('li', '', `${from} → ${to}: ${text}`));
  return [element('section', '', element('h2', '', 'on the links'), element('ul', 'links', ...lines))];
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
    element(
      'div',
      'parts',
      ...grids.map(drawGrid),
      ...drawLinks(links),
      ...tables.map((table, index) =>
        drawTable(table, index < operands ? (row, column, text) => edit(index, row, column, text) : null),
      ),
    ),
  );
}
