// Trains MNIST in every format with the command line and writes reports/training/formats.md and .csv: about ten minutes.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, install } from '../bootstrap.mjs';

install();
build();
const root = fileURLToPath(new URL('../..', import.meta.url));
const PERCEPTRON = ['lenet-300-100', '--epochs', '6', '--learning-rate', '0.05'];
/** Gradients of the mean over a large batch are small: where formats of few bits lose them. */
const LARGE_BATCH = ['lenet-300-100', '--epochs', '6', '--learning-rate', '0.2', '--batch', '512'];
const SCALED = ['--rounding', 'stochastic', '--loss-scale', '1024'];

const CASES = [
  ['LeNet-5, fp32', ['lenet-5', '--epochs', '4', '--learning-rate', '0.03', '--quantize', 'int8']],
  ['LeNet-300-100, fp32', [...PERCEPTRON, '--quantize', 'int8']],
  ['LeNet-300-100, bf16', [...PERCEPTRON, '--precision', 'bf16']],
  ['LeNet-300-100, fp16, automatic loss scaling', [...PERCEPTRON, '--precision', 'fp16', '--loss-scale', 'automatic']],
  ['LeNet-300-100, fp8e5m2, stochastic, scaled', [...PERCEPTRON, '--precision', 'fp8e5m2', ...SCALED]],
  ['LeNet-300-100, fp8e4m3, stochastic, scaled', [...PERCEPTRON, '--precision', 'fp8e4m3', ...SCALED]],
  ['LeNet-300-100, fp8e4m3, nearest, not scaled', [...PERCEPTRON, '--precision', 'fp8e4m3']],
  ['LeNet-300-100, batch 512, fp32', LARGE_BATCH],
  ['LeNet-300-100, batch 512, fp8e5m2, stochastic, scaled', [...LARGE_BATCH, '--precision', 'fp8e5m2', ...SCALED]],
  ['LeNet-300-100, batch 512, fp8e5m2, nearest, not scaled', [...LARGE_BATCH, '--precision', 'fp8e5m2']],
  ['LeNet-300-100, batch 512, fp8e4m3, nearest, not scaled', [...LARGE_BATCH, '--precision', 'fp8e4m3']],
];

const percent = (share) => `${(100 * share).toFixed(2)} %`;
const rows = CASES.map(([name, args]) => {
  const command = [
    join(root, 'dist', 'main.js'),
    'train',
    ...args,
    '--dataset',
    'mnist',
    '--quiet',
    '--format',
    'json',
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) return { name, accuracies: [], quantized: {}, failure: stderr.split('\n')[1]?.trim() ?? 'failed' };
  const report = JSON.parse(stdout);
  console.log(`${name}: ${percent(report.testAccuracy)}`);
  return {
    name,
    accuracies: report.epochs.map((epoch) => epoch.testAccuracy),
    quantized: report.quantized,
    failure: '',
  };
});

const line = ({ name, accuracies, quantized, failure }) => {
  const int8 = quantized.int8 === undefined ? '' : percent(quantized.int8);
  return `| ${name} | ${failure || percent(accuracies.at(-1))} | ${accuracies.map((one) => (100 * one).toFixed(2)).join(' ')} | ${int8} |`;
};
const text = `# MNIST in every format

Written by \`node scripts/experiments/formats.mjs\`. Seed 1, momentum 0.9, cosine schedule, batch 64 where not said. Values are rounded to
the format after every op, products accumulate in fp32, master weights are fp32; the loss is multiplied by 1024 where scaled.

| network and format | test accuracy | after each epoch, % | with int8 operands |
|---|---:|---|---:|
${rows.map(line).join('\n')}
`;
mkdirSync(join(root, 'reports', 'training'), { recursive: true });
writeFileSync(join(root, 'reports', 'training', 'formats.md'), text);
const csv = rows.flatMap(({ name, accuracies }) => accuracies.map((one, index) => `"${name}",${index + 1},${one}`));
writeFileSync(join(root, 'reports', 'training', 'formats.csv'), `case,epoch,testAccuracy\n${csv.join('\n')}\n`);
