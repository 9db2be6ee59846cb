import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { requireWritable, writeOutput } from '../files.ts';
import { AUTOMATIC_LOSS_SCALE, ENHANCED_LOSS_SCALE, type LossScaleRule } from '../numerics/formats/loss-scale.ts';
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
import { writeTrace } from '../trace/write.ts';
import { loadDataset } from '../training/data/load.ts';
import { updateDelays } from '../training/pipelined.ts';
import { ROUNDING_MODES } from '../training/rounding.ts';
import { withDensities } from '../training/sparsity/density.ts';
import { sparsityOf } from '../training/sparsity/plan.ts';
import { batchOfRank } from '../training/scaling/parallel.ts';
import { checkScaling } from '../training/scaling/scaling.ts';
import { Trainer } from '../training/trainer.ts';
import { loadTrace } from '../workload/load.ts';
import type { TrainArguments } from './commands/train.ts';
import { readFaults } from './faults.ts';
import { readAccumulator, readTernary } from './formats.ts';
import { type Format, readFormat, readName, readNumber, readWhole } from './options.ts';
import { deliver, say } from './output.ts';
import { epochProgress } from './progress.ts';
import { readPruning, roundsOf } from './prune.ts';
import { readScaling, withExchange } from './scaling.ts';
import { columns } from './text.ts';
import { contentsOf, kernels, protect, resume, save, stepCosts, testTrained } from './training.ts';
import { traceOptions } from './commands/run.ts';

const SHAPES = ['constant', 'step', 'linear', 'cosine'] as const;
/** Samples that are tested together: enough for full tiles, little memory. */
const TEST_BATCH = 200;

function lossScaleRule(text: string): LossScaleRule | null {
  if (text === 'none') return null;
  if (text === 'automatic') return AUTOMATIC_LOSS_SCALE;
  if (text === 'enhanced') return ENHANCED_LOSS_SCALE;
  const scale = readNumber(text, 'loss-scale');
  if (scale === 0) throw InputError.of('--loss-scale', text, 'write none, or a number above 0');
  return { kind: 'static', scale };
}

function quantizedBits(text: string): 4 | 8 {
  return readName(text, ['int8', 'int4'], 'quantize') === 'int8' ? 8 : 4;
}

function render(report: TrainingReport, kind: Format): string {
  return {
    json: () => `${JSON.stringify(report, null, 2)}\n`,
    csv: () => trainingCsv(report),
    md: () => trainingMarkdown(report),
    html: () => trainingHtml(report),
    table: () => renderTraining(report, columns),
  }[kind]();
}

/** The command: trains, tells how it goes, delivers the report. Throws InputError. */
export async function train(args: TrainArguments): Promise<void> {
  const kind = readFormat(args.format);
  const pruning = args.prune === undefined ? null : readPruning(args.prune);
  const rounds = roundsOf(pruning);
  const epochs = rounds * readWhole(args.epochs, 'epochs')!;
  if (epochs < 1 || epochs > 100_000)
    throw InputError.of('--epochs', args.epochs, 'write a whole number from 1 to 100000');
  const workers = readWhole(args.workers, 'workers')!;
  const batch = readWhole(args.batch, 'batch')!;
  const text = {
    precision: args.precision,
    training: true,
    optimizer: args.optimizer,
    batch: String(workers > 1 ? batchOfRank({ kind: 'data', ranks: workers }, batch) : batch),
    checkpointing: args.checkpointing,
    feedback: args.feedback,
    propagation: args.propagation,
  };
  const step = loadTrace(args.network, traceOptions(text), 'fp32');
  const forward = loadTrace(args.network, { phase: 'inference', batch: TEST_BATCH, precision: args.precision }, 'fp32');
  const machines = (args.arch ?? '').split(',').filter((name) => name !== '');
  const dataset = loadDataset(args.dataset);
  const scaling = readScaling(args, Math.floor(dataset.train.count / batch));
  checkScaling(step, scaling);
  // Refuses what a machine cannot run before anything is trained.
  stepCosts(withExchange(step, scaling), machines, args.set);
  const numbers = {
    learningRate: readNumber(args.learningRate, 'learning-rate'),
    warmupSteps: readWhole(args.warmup, 'warmup')!,
    momentum: readNumber(args.momentum, 'momentum'),
    weightDecay: readNumber(args.weightDecay, 'weight-decay'),
    seed: readWhole(args.seed, 'seed')!,
  };
  const bits = args.quantize === undefined ? null : quantizedBits(args.quantize);
  const faults = readFaults(args.faults, args.perforate, numbers.seed);
  const ternary = readTernary(args.ternary);
  if (machines.length === 0 && args.set.length > 0)
    throw InputError.of('--set', 'without --arch', 'name the machine whose value it is');
  const shape = readName(args.schedule, SHAPES, 'schedule');
  const rounding = readName(args.rounding, ROUNDING_MODES, 'rounding');
  const trainer = new Trainer({
    step,
    forward,
    dataset,
    epochs,
    seed: numbers.seed,
    schedule: { learningRate: numbers.learningRate, shape, warmupSteps: numbers.warmupSteps },
    momentum: numbers.momentum,
    weightDecay: numbers.weightDecay,
    rounding,
    scaling,
    lossScale: lossScaleRule(args.lossScale),
    contractions: args.accumulator === undefined ? kernels() : readAccumulator(args.accumulator),
    ternary,
    rounds,
    ...(pruning !== null && { sparsity: (options) => sparsityOf(pruning, options) }),
  });
  const facts = {
    network: step.workload.name,
    dataset: dataset.name,
    batch,
    precision: args.precision,
    optimizer: args.optimizer,
  };
  const contents = contentsOf(step, dataset);
  const { lossScale, prune = 'none', accumulator = 'fp32', staleness, compress = 'none' } = args;
  const identity = {
    ...facts,
    ...numbers,
    ...contents,
    shape,
    rounding,
    lossScale,
    epochs,
    prune,
    accumulator,
    ternary: args.ternary,
    workers,
    staleness,
    compress,
  };
  const files = [
    args.out,
    args.trace,
    args.checkpoint,
    args.charts === undefined ? undefined : join(args.charts, 'training.png'),
  ];
  for (const path of files) if (path !== undefined) requireWritable(path);
  protect(args.checkpoint, args.resume);
  if (resume(trainer, args.checkpoint, identity, args.resume))
    say(`going on after epoch ${trainer.epochs.length} of ${args.checkpoint}`, args.quiet);
  const delays = [...updateDelays(step)].map(([weight, steps]) => `${weight} ${steps}`);
  if (delays.length > 0) say(`steps from forward pass to update: ${delays.join(', ')}`, args.quiet);
  const trained: TrainedEpoch[] = trainer.epochs.map((epoch) => ({ ...epoch, seconds: 0 }));
  for (let epoch = trained.length + 1; epoch <= epochs; epoch++) {
    const progress = epochProgress(epoch, epochs, trainer.stepsPerEpoch, args.quiet);
    const start = performance.now();
    const result = trainer.epoch((...at) => progress.step(...at));
    progress.end();
    trained.push({ ...result, seconds: (performance.now() - start) / 1e3 });
    say(
      `epoch ${epoch}/${epochs}: loss ${result.loss.toFixed(4)}, test accuracy ${(100 * result.testAccuracy).toFixed(2)} %`,
      args.quiet,
    );
    save(trainer, args.checkpoint, identity);
  }
  const { stepsPerEpoch } = trainer;
  const tests = testTrained(trainer, { bits, faults }, args.quiet);
  const wantsDensities = pruning !== null || args.trace !== undefined || machines.length > 0;
  const measured = withExchange(wantsDensities ? withDensities(step, trainer.densities()) : step, scaling);
  if (args.trace !== undefined) writeOutput(args.trace, writeTrace(measured));
  const report = trainingReport({
    ...facts,
    ...tests,
    seed: numbers.seed,
    stepsPerEpoch,
    epochs: trained,
    densities: densityRows(measured),
    stepCost: stepCosts(measured, machines, args.set),
  });
  deliver(render(report, kind), args.out, args.quiet);
  if (args.charts === undefined) return;
  const { renderTrainingChart } = await import('../report/training-chart.ts');
  const { name, png } = renderTrainingChart(report);
  writeOutput(join(args.charts, name), png);
  say(`wrote ${join(args.charts, name)}`, args.quiet);
}
