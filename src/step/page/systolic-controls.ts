import { type Dimensions, dimensionsOf, exampleProduct, type Matrix } from '../matrix.ts';
import type { SystolicSetup } from '../setup.ts';
import { MAX_DIMENSION, MAX_GRID } from '../stepper.ts';
import { element } from './draw.ts';

type Change = (setup: SystolicSetup) => void;

function numberField(name: string, value: number, max: number, change: (value: number) => void): HTMLElement {
  const input = element('input', '');
  input.type = 'number';
  input.min = '1';
  input.max = String(max);
  input.value = String(value);
  input.addEventListener('change', () => {
    const typed = Math.min(Math.max(Math.round(Number(input.value)) || 1, 1), max);
    input.value = String(typed);
    change(typed);
  });
  return element('label', '', `${name} `, input);
}

function checkbox(name: string, checked: boolean, change: (checked: boolean) => void): HTMLElement {
  const input = element('input', '');
  input.type = 'checkbox';
  input.checked = checked;
  input.addEventListener('change', () => change(input.checked));
  return element('label', '', input, ` ${name}`);
}

/** Size of the array and of the product, dataflow, and what its registers can do. */
export function systolicControls(setup: SystolicSetup, change: Change): HTMLElement {
  const { timing, product } = setup;
  const dimensions = dimensionsOf(product);
  const array = (part: Partial<SystolicSetup['timing']>): void => change({ ...setup, timing: { ...timing, ...part } });
  const size = (part: Partial<Dimensions>): void =>
    change({ ...setup, product: exampleProduct({ ...dimensions, ...part }) });
  const dataflow = element('select', '');
  for (const name of ['weight-stationary', 'input-stationary', 'output-stationary'] as const) {
    const option = element('option', '', name);
    option.selected = name === timing.dataflow;
    dataflow.append(option);
  }
  dataflow.addEventListener('change', () => array({ dataflow: dataflow.value as SystolicSetup['timing']['dataflow'] }));
  return element(
    'div',
    'bar',
    numberField('PE rows', timing.rows, MAX_GRID, (rows) => array({ rows })),
    numberField('columns', timing.columns, MAX_GRID, (columns) => array({ columns })),
    dataflow,
    checkbox('next tile waits in the PEs', timing.doubleBuffered, (doubleBuffered) => array({ doubleBuffered })),
    checkbox('passes overlap', timing.overlapPasses, (overlapPasses) => array({ overlapPasses })),
    numberField('m', dimensions.m, MAX_DIMENSION, (m) => size({ m })),
    numberField('k', dimensions.k, MAX_DIMENSION, (k) => size({ k })),
    numberField('n', dimensions.n, MAX_DIMENSION, (n) => size({ n })),
  );
}

/** The setup with one element of an operand replaced; null if the text is no number. */
export function edited(
  setup: SystolicSetup,
  operand: number,
  row: number,
  column: number,
  text: string,
): SystolicSetup | null {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) return null;
  const name = (['a', 'b'] as const)[operand]!;
  // An input-stationary array shows its operands turned and in the other order.
  const turned = setup.timing.dataflow === 'input-stationary';
  const shown = turned ? (name === 'a' ? 'b' : 'a') : name;
  const [r, c] = turned ? [column, row] : [row, column];
  const matrix: Matrix = setup.product[shown].map((line, i) =>
    line.map((old, j) => (i === r && j === c ? value : old)),
  );
  return { ...setup, product: { ...setup.product, [shown]: matrix } };
}
