import { RING_ALGORITHMS, type RingCollective } from '../../models/caterpillar/units/ring.ts';
import type { CoreSetup, ProductSetup, RingSetup, Setup, SystolicSetup } from '../setup.ts';
import { MAX_CORES, MAX_GRID, MAX_WORDS } from '../stepper.ts';
import { element } from './draw.ts';
import { checkbox, choice, numberField, productFields } from './fields.ts';

type Change = (setup: Setup) => void;

const DATAFLOWS = ['weight-stationary', 'input-stationary', 'output-stationary'] as const;
const COLLECTIVES = Object.keys(RING_ALGORITHMS) as RingCollective[];

/** Size of the array and of the product, dataflow, and what its registers can do. */
function systolicFields(setup: SystolicSetup, change: Change): HTMLElement[] {
  const { timing } = setup;
  const array = (part: Partial<SystolicSetup['timing']>): void => change({ ...setup, timing: { ...timing, ...part } });
  return [
    numberField('PE rows', timing.rows, MAX_GRID, (rows) => array({ rows })),
    numberField('columns', timing.columns, MAX_GRID, (columns) => array({ columns })),
    choice(DATAFLOWS, timing.dataflow, (dataflow) => array({ dataflow })),
    checkbox('next tile waits in the PEs', timing.doubleBuffered, (doubleBuffered) => array({ doubleBuffered })),
    checkbox('passes overlap', timing.overlapPasses, (overlapPasses) => array({ overlapPasses })),
    ...productFields(setup.product, (product) => change({ ...setup, product })),
  ];
}

/** Size of the core and of the product. One column of b: a matrix times a vector, the core's other way. */
function coreFields(setup: CoreSetup, change: Change): HTMLElement[] {
  const { timing } = setup;
  const core = (part: Partial<CoreSetup['timing']>): void => change({ ...setup, timing: { ...timing, ...part } });
  return [
    numberField('PEs a side', timing.size, MAX_GRID, (size) => core({ size })),
    numberField('multiply-add cycles', timing.fmacLatencyCycles, 16, (fmacLatencyCycles) =>
      core({ fmacLatencyCycles }),
    ),
    ...productFields(setup.product, (product) => change({ ...setup, product })),
  ];
}

function ringFields(setup: RingSetup, change: Change): HTMLElement[] {
  const { ring } = setup;
  return [
    choice(COLLECTIVES, setup.collective, (collective) => change({ ...setup, collective })),
    numberField('cores', setup.cores, MAX_CORES, (cores) => change({ ...setup, cores: Math.max(2, cores) })),
    numberField('words', setup.words, MAX_WORDS, (words) => change({ ...setup, words })),
    numberField('words a cycle and link', ring.wordsPerCycle, MAX_GRID, (wordsPerCycle) =>
      change({ ...setup, ring: { ...ring, wordsPerCycle } }),
    ),
    numberField('cycles a hop', ring.hopCycles, 16, (hopCycles) => change({ ...setup, ring: { ...ring, hopCycles } })),
  ];
}

function fieldsOf(setup: Setup, change: Change): HTMLElement[] {
  switch (setup.kind) {
    case 'systolic':
      return systolicFields(setup, change);
    case 'core':
      return coreFields(setup, change);
    case 'ring':
      return ringFields(setup, change);
  }
}

/** What can be changed of a setup. */
export function controlsOf(setup: Setup, change: Change): HTMLElement {
  return element('div', 'bar', ...fieldsOf(setup, change));
}

/** The setup with one element of an operand replaced, as the page shows it; the same one if the text is no number. */
export function edited(setup: ProductSetup, operand: number, row: number, column: number, text: string): Setup {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) return setup;
  // An input-stationary array shows its operands turned and in the other order.
  const isTurned = setup.kind === 'systolic' && setup.timing.dataflow === 'input-stationary';
  const name = (isTurned ? (['b', 'a'] as const) : (['a', 'b'] as const))[operand]!;
  const [r, c] = isTurned ? [column, row] : [row, column];
  const matrix = setup.product[name].map((line, i) => line.map((old, j) => (i === r && j === c ? value : old)));
  return { ...setup, product: { ...setup.product, [name]: matrix } };
}
