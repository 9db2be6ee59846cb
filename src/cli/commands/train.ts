import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { COMMON } from '../options.ts';

const { precision, optimizer, checkpointing, feedback, propagation, set, format, out, quiet } = COMMON;

function options(yargs: Argv) {
  return yargs
    .positional('network', {
      type: 'string',
      demandOption: true,
      describe: 'network of the catalogue, or a .yaml file',
    })
    .options({
      dataset: {
        type: 'string',
        demandOption: true,
        describe: 'mnist, blobs, bars, or a folder of IDX, CIFAR or CSV files',
      },
      epochs: { type: 'string', default: '5', describe: 'passes over the training samples (lottery: of each round)' },
      batch: { type: 'string', default: '64', describe: 'samples of a step' },
      optimizer: {
        ...optimizer,
        default: 'momentum',
        describe: 'gd, sgd, momentum, nesterov, sag, adagrad, rmsprop, adam or lars',
      },
      'learning-rate': { type: 'string', default: '0.02', describe: 'at its highest' },
      schedule: { type: 'string', default: 'cosine', describe: 'how it goes down: constant, step, linear, cosine' },
      warmup: { type: 'string', default: '0', describe: 'steps over which it goes up at first' },
      momentum: { type: 'string', default: '0.9', describe: 'share of the velocity that stays' },
      'weight-decay': { type: 'string', default: '0', describe: 'L2 penalty' },
      precision: {
        ...precision,
        default: 'fp32',
        describe: 'format of weights and activations; narrow ones keep an fp32 master copy',
      },
      rounding: { type: 'string', default: 'nearest', describe: 'nearest, toward-zero, stochastic' },
      'loss-scale': { type: 'string', default: 'none', describe: 'none, a number, automatic or enhanced' },
      seed: { type: 'string', default: '1', describe: 'fixes first weights, order and rounding' },
      ternary: {
        type: 'string',
        describe:
          'with --precision ternary/fp32: weights that share a scale (64), and residual edges each block may have, e.g. 64:2',
      },
      accumulator: {
        type: 'string',
        describe: 'format of the sums in products, and terms of a chunk, e.g. fp16:64 (slow: small networks)',
      },
      prune: {
        type: 'string',
        describe:
          'share of the weights that stays: magnitude:SHARE[:TIMES], channels:.., kernels:.., nm:2:4, reallocate:SHARE, lottery:SHARE[:ROUNDS]; or lasso:STRENGTH (try 0.003)',
      },
      quantize: { type: 'string', describe: 'also test with integers, in products and from end to end: int8 or int4' },
      faults: {
        type: 'string',
        describe:
          'also test with flipped bits: weights:RATE, activations:RATE (chance of each bit), separated by commas',
      },
      perforate: {
        type: 'string',
        describe: 'also test with a share of the terms of every sum left out: 0.5, 0.25 ..., separated by commas',
      },
      workers: { type: 'string', default: '1', describe: 'ranks that each take a part of every mini-batch' },
      staleness: {
        type: 'string',
        default: '0',
        describe: 'steps between the weights that gradients are taken at and those they are applied to',
      },
      compress: {
        type: 'string',
        describe: 'share of its gradients that a worker sends (deep gradient compression, with --optimizer sgd)',
      },
      checkpointing,
      feedback,
      propagation,
      checkpoint: { type: 'string', describe: 'write the state to this file after every epoch' },
      resume: { type: 'boolean', default: false, describe: 'go on from the checkpoint if there is one' },
      arch: { type: 'string', describe: 'what it costs on these machines, separated by commas' },
      trace: { type: 'string', describe: 'write the trace of one step, with measured densities, to this file' },
      charts: { type: 'string', describe: 'draw loss and accuracy into this folder' },
      set,
      format,
      out,
      quiet,
    })
    .example('$0 train lenet-300-100 --dataset mnist', 'to about 98 % in five epochs')
    .example('$0 train lenet-5 --dataset mnist --precision bf16 --arch tpuv3', 'in bf16, with its cost on TPU v3')
    .example('$0 train lenet-300-100 --dataset mnist --prune magnitude:0.1:20', 'a tenth of the weights is left')
    .example(
      '$0 train lenet-300-100 --dataset mnist --prune lottery:0.2:3',
      'a winning ticket, in 3 rounds and its own',
    )
    .example(
      '$0 train lenet-5 --dataset mnist --quantize int8 --faults weights:1e-5',
      'tests in integers and with faults',
    )
    .example('$0 train lenet-300-100 --dataset mnist --workers 4', 'four workers whose gradients are averaged')
    .example('$0 train lenet-5 --dataset mnist --checkpoint run.ckpt --resume', 'goes on where it was stopped');
}

export type TrainArguments = ArgumentsCamelCase<Awaited<ReturnType<typeof options>['argv']>>;

export const trainCommand: CommandModule<object, TrainArguments> = {
  command: 'train <network>',
  describe: 'really train a network, and say what that costs on a machine',
  builder: options as unknown as (yargs: Argv) => Argv<TrainArguments>,
  // Kernels and data sets are only loaded by who trains.
  handler: async (args) => (await import('../train.ts')).train(args),
};
