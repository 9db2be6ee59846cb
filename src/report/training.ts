import type { TensorRole, Trace } from '../trace/trace.ts';
import type { EpochResult } from '../training/trainer.ts';
import { joules, percent, seconds, si } from './format.ts';
import { escapeHtml, htmlPage, htmlTable } from './html.ts';
import { csvLines, markdownTable } from './tables.ts';

/** Cost of training up to some point on a simulated machine: its steps, one after the other. */
export interface TrainingCost {
  readonly cycles: number;
  readonly seconds: number;
  readonly energyPj: number;
}

export interface TrainedEpoch extends EpochResult {
  /** Wall-clock time on this computer. */
  readonly seconds: number;
}

/** Result of a training run as plain data; keys are stable. */
export interface TrainingReport {
  readonly schema: 'accsim.train/1';
  readonly network: string;
  readonly dataset: string;
  readonly batch: number;
  readonly precision: string;
  readonly optimizer: string;
  readonly seed: number;
  readonly stepsPerEpoch: number;
  readonly testAccuracy: number;
  readonly epochs: readonly TrainedEpoch[];
  /** Test accuracy after training with integer operands, by their format. */
  readonly quantized: Readonly<Record<string, number>>;
  /** The same in integers from input to result; absent, with a note, for networks that have ops without a form in integers. */
  readonly integerOnly: Readonly<Record<string, number>>;
  /** Test accuracy under faults, by their kind and rate. */
  readonly faults: Readonly<Record<string, number>>;
  /** What was asked for and could not be tested, and why. */
  readonly notes: readonly string[];
  /** Measured on the trained network; empty where nothing was measured. */
  readonly densities: readonly DensityRow[];
  /** Of the whole run, by machine. */
  readonly cost: Readonly<Record<string, TrainingCost>>;
  /** First epoch that reached each test accuracy, and what it cost until then. */
  readonly reached: readonly {
    readonly accuracy: number;
    readonly epoch: number;
    readonly cost: Readonly<Record<string, TrainingCost>>;
  }[];
}

/** Share of a tensor's values that is not zero in a training step. */
export interface DensityRow {
  readonly tensor: string;
  readonly role: TensorRole;
  /** Tells apart tensors of one name: a bias from the sums it is added to, and their gradients. */
  readonly shape: readonly number[];
  readonly density: number;
}

/** What of a step's tensors is known not to be dense. */
export function densityRows({ tensors }: Trace): DensityRow[] {
  return tensors.flatMap(({ name, role, shape, density }) =>
    density === undefined || density > SPARSE ? [] : [{ tensor: name, role, shape, density }],
  );
}

/** Above it a tensor counts as dense. */
const SPARSE = 0.995;

/** Test accuracies that people ask for. */
const LEVELS = [0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.993, 0.995];

export interface TrainingFacts extends Omit<TrainingReport, 'schema' | 'testAccuracy' | 'cost' | 'reached'> {
  /** Of one training step, by machine. */
  readonly stepCost: Readonly<Record<string, TrainingCost>>;
}

export function trainingReport({ stepCost, ...facts }: TrainingFacts): TrainingReport {
  const after = (epochs: number): Record<string, TrainingCost> => {
    const steps = epochs * facts.stepsPerEpoch;
    const times = (cost: TrainingCost): TrainingCost => ({
      cycles: cost.cycles * steps,
      seconds: cost.seconds * steps,
      energyPj: cost.energyPj * steps,
    });
    return Object.fromEntries(Object.entries(stepCost).map(([arch, cost]) => [arch, times(cost)]));
  };
  const reached = LEVELS.flatMap((accuracy) => {
    const epoch = facts.epochs.findIndex(({ testAccuracy }) => testAccuracy >= accuracy) + 1;
    return epoch === 0 ? [] : [{ accuracy, epoch, cost: after(epoch) }];
  });
  const testAccuracy = facts.epochs.at(-1)?.testAccuracy ?? 0;
  return { schema: 'accsim.train/1', ...facts, testAccuracy, cost: after(facts.epochs.length), reached };
}

/** Epochs; steps left out for overflow have a column where there are any. */
function epochTable({ epochs }: TrainingReport): Pick<Section, 'head' | 'rows'> {
  const skips = epochs.some(({ skippedSteps }) => skippedSteps > 0);
  const rows = epochs.map((epoch, index) => [
    String(index + 1),
    epoch.loss.toFixed(4),
    percent(epoch.trainAccuracy),
    `${(100 * epoch.testAccuracy).toFixed(2)} %`,
    ...(skips ? [String(epoch.skippedSteps)] : []),
    seconds(epoch.seconds),
  ]);
  const leftOut = skips ? ['steps left out'] : [];
  return { head: ['epoch', 'loss', 'training accuracy', 'test accuracy', ...leftOut, 'time here'], rows };
}

/** The best accuracy that each epoch was the first to reach, and the whole run. */
function costRows({ reached, epochs, cost }: TrainingReport): string[][] {
  const best = reached.filter(({ epoch }, index) => reached[index + 1]?.epoch !== epoch);
  const rows = best.map((row) => ({ ...row, text: percent(row.accuracy) }));
  return [...rows, { text: 'whole run', epoch: epochs.length, cost }].flatMap(({ text, epoch, cost: soFar }) =>
    Object.entries(soFar).map(([arch, { cycles, seconds: time, energyPj }]) => [
      text,
      String(epoch),
      arch,
      si(cycles),
      seconds(time),
      joules(energyPj),
    ]),
  );
}

const COST_HEAD = ['test accuracy', 'epoch', 'machine', 'cycles', 'time', 'energy'];

function testRows({ quantized, integerOnly, faults }: TrainingReport): string[][] {
  const rows = (tests: Readonly<Record<string, number>>, what: (name: string) => string): string[][] =>
    Object.entries(tests).map(([name, accuracy]) => [what(name), `${(100 * accuracy).toFixed(2)} %`]);
  return [
    ...rows(quantized, (name) => `${name} operands of products`),
    ...rows(integerOnly, (name) => `${name} from input to result`),
    ...rows(faults, (name) => name),
  ];
}

const TEST_HEAD = ['tested with', 'test accuracy'];

function sparseRows({ densities }: TrainingReport): string[][] {
  return densities.map(({ tensor, role, shape, density }) => [tensor, role, shape.join(' x '), percent(density)]);
}

const SPARSE_HEAD = ['tensor', 'role', 'shape', 'not zero'];

interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Tables of a report, those without rows left out. */
function sections(report: TrainingReport): Section[] {
  return [
    { title: '', ...epochTable(report) },
    { title: 'The trained network otherwise', head: TEST_HEAD, rows: testRows(report) },
    { title: 'Measured densities below 99.5 %', head: SPARSE_HEAD, rows: sparseRows(report) },
    { title: 'To reach a test accuracy', head: COST_HEAD, rows: costRows(report) },
  ].filter(({ rows }) => rows.length > 0);
}

/** `columns` lays rows out for a terminal. */
export function renderTraining(
  report: TrainingReport,
  columns: (rows: readonly (readonly string[])[]) => string,
): string {
  const { network, dataset, batch, precision, optimizer, seed, stepsPerEpoch } = report;
  const about = `${network} on ${dataset}  batch ${batch}, ${precision}, ${optimizer}, seed ${seed}, ${stepsPerEpoch} steps an epoch`;
  const tables = sections(report).map(
    ({ title, head, rows }) => `\n${title && `${title}\n`}${columns([head, ...rows])}`,
  );
  return [`${about}\n`, ...tables, ...report.notes.map((note) => `\n${note}\n`)].join('');
}

export function trainingMarkdown(report: TrainingReport): string {
  const tables = sections(report).map(
    ({ title, head, rows }) => `${title && `## ${title}\n\n`}${markdownTable(head, rows)}\n`,
  );
  return [...tables, ...report.notes.map((note) => `${note}\n`)].join('\n');
}

export function trainingHtml(report: TrainingReport): string {
  const tables = sections(report).map(
    ({ title, head, rows }) => `${title && `<h2>${title}</h2>`}${htmlTable(head, rows)}`,
  );
  const notes = report.notes.map((note) => `<p>${escapeHtml(note)}</p>`);
  return htmlPage(`${report.network} on ${report.dataset}`, [...tables, ...notes].join(''));
}

const COST_FIELDS = ['cycles', 'seconds', 'energyPj'] as const;

/** One line an epoch, with what training cost on each machine until its end. */
export function trainingCsv({ epochs, cost }: TrainingReport): string {
  const machines = Object.entries(cost);
  const head = [
    ...['epoch', 'loss', 'trainAccuracy', 'testAccuracy', 'skippedSteps', 'seconds'],
    ...machines.flatMap(([arch]) => COST_FIELDS.map((field) => `${arch}:${field}`)),
  ];
  const rows = epochs.map((epoch, index) =>
    [
      ...[index + 1, epoch.loss, epoch.trainAccuracy, epoch.testAccuracy, epoch.skippedSteps, epoch.seconds],
      ...machines.flatMap(([, total]) => COST_FIELDS.map((field) => (total[field] * (index + 1)) / epochs.length)),
    ].map(String),
  );
  return csvLines([head, ...rows]);
}
