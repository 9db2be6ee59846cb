import { Random } from '../../numerics/random.ts';
import type { Dataset, Samples } from './dataset.ts';

const SEED = 20261121;

/** Clouds of points around one centre for each class, far enough apart to be told nearly always: for tests and first steps. */
export function blobs(classes = 4, features = 8, train = 2000, test = 500): Dataset {
  const random = Random.seeded(SEED);
  const centres = Array.from({ length: classes * features }, () => 2 * random.normal());
  const draw = (count: number): Samples => {
    const values = new Float32Array(count * features);
    const labels = new Uint8Array(count);
    for (let index = 0; index < count; index++) {
      const label = random.word() % classes;
      labels[index] = label;
      for (let at = 0; at < features; at++)
        values[index * features + at] = centres[label * features + at]! + random.normal();
    }
    return { count, values, labels };
  };
  return { name: 'blobs', shape: [features], classes, train: draw(train), test: draw(test) };
}

/** Small images with a bar that lies, stands or leans: needs more than one pixel to tell. */
export function bars(size = 12, train = 2000, test = 500): Dataset {
  const random = Random.seeded(SEED + 1);
  const steps = [
    [0, 1],
    [1, 0],
    [1, 1],
    [1, -1],
  ] as const;
  const draw = (count: number): Samples => {
    const values = new Uint8Array(count * size * size);
    const labels = new Uint8Array(count);
    for (let index = 0; index < count; index++) {
      const label = random.word() % steps.length;
      const [down, right] = steps[label]!;
      labels[index] = label;
      for (let noise = 0; noise < 4; noise++)
        values[index * size * size + (random.word() % (size * size))] = random.word() % 64;
      let [row, column] = [random.word() % size, random.word() % size];
      for (let length = 0; length < 6; length++) {
        values[index * size * size + row * size + column] = 160 + (random.word() % 96);
        row = (row + down + size) % size;
        column = (column + right + size) % size;
      }
    }
    return { count, values, labels };
  };
  return { name: 'bars', shape: [1, size, size], classes: steps.length, train: draw(train), test: draw(test) };
}
