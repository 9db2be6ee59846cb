import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { COMMON } from '../options.ts';

const { precision, optimizer, checkpointing, feedback, set, format, out, quiet } = COMMON;

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
      epochs: { type: 'string', default: '5', describe: 'passes over the training samples' },
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
      quantize: { type: 'string', describe: 'also test with integer operands: int8 or int4' },
      checkpointing,
      feedback,
      checkpoint: { type: 'string', describe: 'write the state to this file after every epoch' },
      resume: { type: 'boolean', default: false, describe: 'go on from the checkpoint if there is one' },
      arch: { type: 'string', describe: 'what it costs on these machines, separated by commas' },
      trace: { type: 'string', describe: 'write the trace of one step to this file' },
      charts: { type: 'string', describe: 'draw loss and accuracy into this folder' },
      set,
      format,
      out,
      quiet,
    })
    .example('$0 train lenet-300-100 --dataset mnist', 'to about 98 % in five epochs')
    .example('$0 train lenet-5 --dataset mnist --precision bf16 --arch tpuv3', 'in bf16, with its cost on TPU v3')
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
