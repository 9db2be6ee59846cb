import type { EpochResult } from '../training/trainer.ts';
import { joules, percent, seconds, si } from './format.ts';
import { htmlPage, htmlTable } from './html.ts';
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
  /** Of the whole run, by machine. */
  readonly cost: Readonly<Record<string, TrainingCost>>;
  /** First epoch that reached each test accuracy, and what it cost until then. */
  readonly reached: readonly {
    readonly accuracy: number;
    readonly epoch: number;
    readonly cost: Readonly<Record<string, TrainingCost>>;
  }[];
}

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

function epochRows({ epochs }: TrainingReport): string[][] {
  return epochs.map((epoch, index) => [
    String(index + 1),
    epoch.loss.toFixed(4),
    percent(epoch.trainAccuracy),
    `${(100 * epoch.testAccuracy).toFixed(2)} %`,
    seconds(epoch.seconds),
  ]);
}

const EPOCH_HEAD = ['epoch', 'loss', 'training accuracy', 'test accuracy', 'time here'];

function costRows({ reached }: TrainingReport): string[][] {
  return reached.flatMap(({ accuracy, epoch, cost }) =>
    Object.entries(cost).map(([arch, { cycles, seconds: time, energyPj }]) => [
      percent(accuracy),
      String(epoch),
      arch,
      si(cycles),
      seconds(time),
      joules(energyPj),
    ]),
  );
}

const COST_HEAD = ['test accuracy', 'epoch', 'machine', 'cycles', 'time', 'energy'];

/** `columns` lays rows out for a terminal. */
export function renderTraining(
  report: TrainingReport,
  columns: (rows: readonly (readonly string[])[]) => string,
): string {
  const { network, dataset, batch, precision, optimizer, seed, stepsPerEpoch } = report;
  const title = `${network} on ${dataset}  batch ${batch}, ${precision}, ${optimizer}, seed ${seed}, ${stepsPerEpoch} steps an epoch`;
  const costs = costRows(report);
  const cost = costs.length === 0 ? '' : `\nTo reach a test accuracy\n${columns([COST_HEAD, ...costs])}`;
  const integers = Object.entries(report.quantized).map(
    ([name, accuracy]) => `\nwith ${name} operands: ${(100 * accuracy).toFixed(2)} %\n`,
  );
  return `${title}\n\n${columns([EPOCH_HEAD, ...epochRows(report)])}${integers.join('')}${cost}`;
}

export function trainingMarkdown(report: TrainingReport): string {
  const costs = costRows(report);
  const cost = costs.length === 0 ? '' : `\n${markdownTable(COST_HEAD, costs)}\n`;
  return `${markdownTable(EPOCH_HEAD, epochRows(report))}\n${cost}`;
}

export function trainingHtml(report: TrainingReport): string {
  const costs = costRows(report);
  const cost = costs.length === 0 ? '' : `<h2>To reach a test accuracy</h2>${htmlTable(COST_HEAD, costs)}`;
  return htmlPage(`${report.network} on ${report.dataset}`, `${htmlTable(EPOCH_HEAD, epochRows(report))}${cost}`);
}

/** One line an epoch. */
export function trainingCsv({ epochs }: TrainingReport): string {
  const head = ['epoch', 'loss', 'trainAccuracy', 'testAccuracy', 'skippedSteps', 'seconds'];
  const rows = epochs.map((epoch, index) =>
    [index + 1, epoch.loss, epoch.trainAccuracy, epoch.testAccuracy, epoch.skippedSteps, epoch.seconds].map(String),
  );
  return csvLines([head, ...rows]);
}
