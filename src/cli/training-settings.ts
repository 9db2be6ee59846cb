import { join, resolve } from 'node:path';
import { InputError, type Problem } from '../errors.ts';
import { AUTOMATIC_LOSS_SCALE, ENHANCED_LOSS_SCALE, type LossScaleRule } from '../numerics/formats/loss-scale.ts';
import { ROUNDING_MODES } from '../training/rounding.ts';
import type { TrainArguments } from './commands/train.ts';
import { readFaults } from './faults.ts';
import { readTernary } from './formats.ts';
import { readFormat, readName, readNumber, readWhole } from './options.ts';
import { readPruning, roundsOf } from './prune.ts';

const SHAPES = ['constant', 'step', 'linear', 'cosine'] as const;

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

/** Files the run writes; the same one twice would leave only what was written last. Throws InputError. */
function filesOf({ out, trace, checkpoint, charts }: TrainArguments): string[] {
  const chart = charts === undefined ? undefined : join(charts, 'training.png');
  const named = Object.entries({ checkpoint, trace, out, charts: chart }).filter(([, path]) => path !== undefined);
  const options = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [option, path] of named as [string, string][]) {
    const other = options.get(resolve(path));
    if (other !== undefined)
      problems.push({ where: `--${option}`, found: `${path}, as --${other}`, remedy: 'name two files' });
    options.set(resolve(path), option);
  }
  if (problems.length > 0) throw new InputError(problems);
  return named.map(([, path]) => path as string);
}

/** What the command line says of a training run, apart from network and data. Throws InputError. */
export function readSettings(args: TrainArguments) {
  const pruning = args.prune === undefined ? null : readPruning(args.prune);
  const rounds = roundsOf(pruning);
  const epochs = rounds * readWhole(args.epochs, 'epochs')!;
  if (epochs < 1 || epochs > 100_000)
    throw InputError.of('--epochs', args.epochs, 'write a whole number from 1 to 100000');
  const machines = (args.arch ?? '').split(',').filter((name) => name !== '');
  if (machines.length === 0 && args.set.length > 0)
    throw InputError.of('--set', 'without --arch', 'name the machine whose value it is');
  if (args.ternary !== undefined && !args.precision.startsWith('ternary/'))
    throw InputError.of('--ternary', `with --precision ${args.precision}`, 'add --precision ternary/fp32');
  const seed = readWhole(args.seed, 'seed')!;
  return {
    format: readFormat(args.format),
    files: filesOf(args),
    machines,
    pruning,
    rounds,
    epochs,
    workers: readWhole(args.workers, 'workers')!,
    batch: readWhole(args.batch, 'batch')!,
    numbers: {
      learningRate: readNumber(args.learningRate, 'learning-rate'),
      warmupSteps: readWhole(args.warmup, 'warmup')!,
      momentum: readNumber(args.momentum, 'momentum'),
      weightDecay: readNumber(args.weightDecay, 'weight-decay'),
      seed,
    },
    shape: readName(args.schedule, SHAPES, 'schedule'),
    rounding: readName(args.rounding, ROUNDING_MODES, 'rounding'),
    lossScale: lossScaleRule(args.lossScale),
    ternary: readTernary(args.ternary ?? '64'),
    bits: args.quantize === undefined ? null : quantizedBits(args.quantize),
    faults: readFaults(args.faults, args.perforate, seed),
  };
}

export type TrainingSettings = ReturnType<typeof readSettings>;
