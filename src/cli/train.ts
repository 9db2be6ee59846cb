import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { requireWritable, writeOutput } from '../files.ts';
import {
  densityRows,
  renderTraining,
  trainingCsv,
  trainingHtml,
  trainingMarkdown,
  trainingReport,
  type TrainedEpoch,
  type TrainingReport,
} from '../report/training.ts';
import type { Trace } from '../trace/trace.ts';
import { writeTrace } from '../trace/write.ts';
import type { RunIdentity } from '../training/checkpoint-file.ts';
import type { Dataset } from '../training/data/dataset.ts';
import { loadDataset } from '../training/data/load.ts';
import { checkFaults } from '../training/faults/faulty-accuracy.ts';
import { updateDelays } from '../training/pipelined.ts';
import { batchOfRank } from '../training/scaling/parallel.ts';
import { checkScaling } from '../training/scaling/scaling.ts';
import { withDensities } from '../training/sparsity/density.ts';
import { withPattern } from '../training/sparsity/pattern.ts';
import { sparsityOf } from '../training/sparsity/plan.ts';
import { Trainer } from '../training/trainer.ts';
import { loadTrace } from '../workload/load.ts';
import { traceOptions } from './commands/run.ts';
import type { TrainArguments } from './commands/train.ts';
import { readAccumulator } from './formats.ts';
import type { Format } from './options.ts';
import { deliver, say } from './output.ts';
import { epochProgress } from './progress.ts';
import { readScaling, withExchange } from './scaling.ts';
import { columns } from '../report/columns.ts';
import { contentsOf, kernels, protect, resume, save, stepCosts, testTrained } from './training.ts';
import { readSettings, type TrainingSettings } from './training-settings.ts';

/** Samples that are tested together: enough for full tiles, little memory. */
const TEST_BATCH = 200;

function render(report: TrainingReport, kind: Format): string {
  return {
    json: () => `${JSON.stringify(report, null, 2)}\n`,
    csv: () => trainingCsv(report),
    md: () => trainingMarkdown(report),
    html: () => trainingHtml(report),
    table: () => renderTraining(report, columns),
  }[kind]();
}

/** The traces of a step, as one rank takes it, and of the test. */
function tracesOf(args: TrainArguments, { workers, batch }: TrainingSettings): { step: Trace; forward: Trace } {
  const { precision, optimizer, checkpointing, feedback, propagation } = args;
  const options = traceOptions({
    precision,
    training: true,
    optimizer,
    batch: String(workers > 1 ? batchOfRank({ kind: 'data', ranks: workers }, batch) : batch),
    checkpointing,
    feedback,
    propagation,
  });
  return {
    step: loadTrace(args.network, options, 'fp32'),
    forward: loadTrace(args.network, { phase: 'inference', batch: TEST_BATCH, precision }, 'fp32'),
  };
}

/** All that the bits of a run depend on. */
function identityOf(args: TrainArguments, settings: TrainingSettings, step: Trace, dataset: Dataset): RunIdentity {
  const { lossScale, prune = 'none', accumulator = 'fp32', ternary = 'none', staleness, compress = 'none' } = args;
  const { batch, numbers, shape, rounding, epochs, workers } = settings;
  return {
    network: step.workload.name,
    dataset: dataset.name,
    ...{ batch, precision: args.precision, optimizer: args.optimizer },
    ...numbers,
    ...{ shape, rounding, lossScale, epochs, prune, accumulator, ternary, workers, staleness, compress },
    ...contentsOf(step, dataset),
  };
}

/** Trains the epochs that are left and tells how it goes; returns all of them. */
function trainEpochs(trainer: Trainer, epochs: number, quiet: boolean, afterEpoch: () => void): TrainedEpoch[] {
  const trained: TrainedEpoch[] = trainer.epochs.map((epoch) => ({ ...epoch, seconds: 0 }));
  for (let epoch = trained.length + 1; epoch <= epochs; epoch++) {
    const progress = epochProgress(epoch, epochs, trainer.stepsPerEpoch, quiet);
    const start = performance.now();
    const result = trainer.epoch((...at) => progress.step(...at));
    progress.end();
    trained.push({ ...result, seconds: (performance.now() - start) / 1e3 });
    const accuracy = (100 * result.testAccuracy).toFixed(2);
    say(`epoch ${epoch}/${epochs}: loss ${result.loss.toFixed(4)}, test accuracy ${accuracy} %`, quiet);
    afterEpoch();
  }
  return trained;
}

/** The command: trains, tells how it goes, delivers the report. Throws InputError. */
export async function train(args: TrainArguments): Promise<void> {
  const settings = readSettings(args);
  const { machines, pruning, numbers, batch } = settings;
  const { step, forward } = tracesOf(args, settings);
  const dataset = loadDataset(args.dataset);
  const scaling = readScaling(args, Math.floor(dataset.train.count / batch));
  // Refuses what cannot be tested, or a machine cannot run, before anything is trained.
  checkScaling(step, scaling);
  for (const [, fault] of settings.faults) checkFaults(forward, fault);
  await stepCosts(withExchange(step, scaling), machines, args.set);
  const trainer = new Trainer({
    step,
    forward,
    dataset,
    scaling,
    epochs: settings.epochs,
    rounds: settings.rounds,
    seed: numbers.seed,
    schedule: { learningRate: numbers.learningRate, shape: settings.shape, warmupSteps: numbers.warmupSteps },
    momentum: numbers.momentum,
    weightDecay: numbers.weightDecay,
    rounding: settings.rounding,
    lossScale: settings.lossScale,
    ternary: settings.ternary,
    contractions: args.accumulator === undefined ? kernels() : readAccumulator(args.accumulator),
    ...(pruning !== null && { sparsity: (options) => sparsityOf(pruning, options) }),
  });
  const totalSteps = (settings.epochs / settings.rounds) * trainer.stepsPerEpoch;
  if (numbers.warmupSteps > totalSteps)
    throw InputError.of('--warmup', `${numbers.warmupSteps} of ${totalSteps} steps`, 'warm up over fewer steps');
  for (const path of settings.files) requireWritable(path);
  protect(args.checkpoint, args.resume);
  const identity = identityOf(args, settings, step, dataset);
  if (resume(trainer, args.checkpoint, identity, args.resume))
    say(`going on after epoch ${trainer.epochs.length} of ${args.checkpoint}`, args.quiet);
  const delays = [...updateDelays(step)].map(([weight, steps]) => `${weight} ${steps}`);
  if (delays.length > 0) say(`steps from forward pass to update: ${delays.join(', ')}`, args.quiet);
  const epochs = trainEpochs(trainer, settings.epochs, args.quiet, () => save(trainer, args.checkpoint, identity));
  const wantsDensities = pruning !== null || args.trace !== undefined || machines.length > 0;
  const marked = pruning?.method === 'nm' ? withPattern(step, pruning, trainer.hasPattern(pruning)) : step;
  const measured = withExchange(wantsDensities ? withDensities(marked, trainer.densities()) : marked, scaling);
  if (args.trace !== undefined) writeOutput(args.trace, writeTrace(measured));
  const report = trainingReport({
    network: step.workload.name,
    dataset: dataset.name,
    batch,
    precision: args.precision,
    optimizer: args.optimizer,
    seed: numbers.seed,
    stepsPerEpoch: trainer.stepsPerEpoch,
    epochs,
    ...testTrained(trainer.network, settings),
    densities: densityRows(measured),
    stepCost: await stepCosts(measured, machines, args.set),
  });
  deliver(render(report, settings.format), args.out, args.quiet);
  if (args.charts === undefined) return;
  const { renderTrainingChart } = await import('../report/training-chart.ts');
  const { name, png } = renderTrainingChart(report);
  writeOutput(join(args.charts, name), png);
  say(`wrote ${join(args.charts, name)}`, args.quiet);
}
