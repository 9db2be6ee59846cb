import * as tf from '@tensorflow/tfjs-core';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import { dataPath, readInputBytes } from '../src/files.ts';
import type { ConvShape } from '../src/numerics/kernels/conv-shape.ts';
import { createKernels } from '../src/numerics/kernels/kernels.ts';

/** Matrix products and convolutions on these kernels and on TensorFlow.js's WASM backend, one thread each, taking turns. */

/** m, n, k */
const PRODUCTS = [
  [64, 500, 800],
  [128, 300, 784],
  [256, 256, 256],
  [512, 512, 512],
] as const;
/** n, c, h, w, k, r, s, padding, groups */
const CONVOLUTIONS = [
  [64, 20, 12, 12, 50, 5, 5, 0, 1],
  [8, 64, 28, 28, 64, 3, 3, 1, 1],
  [8, 256, 14, 14, 64, 1, 1, 0, 1],
  [8, 64, 28, 28, 64, 3, 3, 1, 64],
] as const;
const SECONDS_PER_CASE = 3;

const kernels = createKernels(readInputBytes(dataPath('dist', 'kernels.wasm')));

setThreadsCount(1);
await tf.setBackend('wasm');
console.log(
  `${'GFLOP/s, median (best)'.padEnd(44)} ${'accsim'.padStart(14)} ${'tfjs-wasm'.padStart(14)}  ratio of medians`,
);
for (const [m, n, k] of PRODUCTS) {
  const [left, right, result] = [random(m * k), random(k * n), random(m * n)];
  const [leftTensor, rightTensor] = [tf.tensor2d(left, [m, k]), tf.tensor2d(right, [k, n])];
  compare(
    `matmul ${m}x${n}x${k}`,
    2 * m * n * k,
    () => kernels.gemm({ m, n, k, left, right, result }),
    () => tf.matMul(leftTensor, rightTensor),
  );
}
for (const [n, c, h, w, k, r, s, padding, groups] of CONVOLUTIONS) {
  const [p, q] = [h + 2 * padding - r + 1, w + 2 * padding - s + 1];
  const shape: ConvShape = {
    ...{ n, c, h, w, k, r, s, p, q, groups },
    ...{ stride: [1, 1], padding: [padding, padding, padding, padding], dilation: [1, 1] },
  };
  const [input, weights, output] = [random(n * c * h * w), random((k * c * r * s) / groups), random(n * k * p * q)];
  // TensorFlow.js has the channels last (the values do not matter here), and no kernel for the gradients that stand alone.
  const inputTensor = tf.tensor4d(input, [n, h, w, c]);
  const weightTensor = tf.tensor4d(weights, groups === 1 ? [r, s, c, k] : [r, s, c, 1]);
  const outputTensor = tf.tensor4d(output, [n, p, q, k]);
  const name = `conv ${n},${c},${h},${w},${k},${r},${s} pad ${padding}${groups === 1 ? '' : ' depthwise'}`;
  const operations = (2 * n * k * p * q * c * r * s) / groups;
  compare(
    name,
    operations,
    () => kernels.convForward(shape, input, weights, output),
    () => (groups === 1 ? tf.conv2d : tf.depthwiseConv2d)(inputTensor, weightTensor, 1, padding),
  );
  const inputGradient = kernels.heap.allocate(input.length);
  compare(
    '  input gradient',
    operations,
    () => kernels.convInputGradient(shape, output, weights, inputGradient),
    groups === 1 ? () => tf.conv2dTranspose(outputTensor, weightTensor, [n, h, w, c], 1, padding) : undefined,
  );
  const weightGradient = kernels.heap.allocate(weights.length);
  compare('  weight gradient', operations, () => kernels.convWeightGradient(shape, input, output, weightGradient));
}

/** Values in -1..1 that do not repeat soon. */
function random(length: number): Float32Array {
  const values = kernels.heap.allocate(length);
  let state = 1;
  for (let index = 0; index < length; index++) {
    state = (state * 48271) % 2147483647;
    values[index] = state / 1073741823.5 - 1;
  }
  return values;
}

/** Calls both in turn, so that whatever else the machine does slows both alike. */
function compare(name: string, operations: number, ours: () => void, theirs?: () => tf.Tensor): void {
  const ownTimes: number[] = [];
  const theirTimes: number[] = [];
  const start = performance.now();
  while (ownTimes.length < 30 || performance.now() - start < SECONDS_PER_CASE * 1e3) {
    ownTimes.push(millisecondsOf(ours));
    if (theirs === undefined) continue;
    let result: tf.Tensor | undefined;
    theirTimes.push(
      millisecondsOf(() => {
        result = theirs();
      }),
    );
    result?.dispose();
  }
  const own = speeds(ownTimes, operations);
  const other = theirs === undefined ? null : speeds(theirTimes, operations);
  console.log(
    `${name.padEnd(44)} ${show(own)} ${other === null ? ' '.repeat(14) : show(other)}  ${other === null ? '' : (own.median / other.median).toFixed(2)}`,
  );
}

function millisecondsOf(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

interface Speed {
  readonly median: number;
  readonly best: number;
}

/** In GFLOP/s; the first tenth of the calls only warms up. */
function speeds(milliseconds: readonly number[], operations: number): Speed {
  const sorted = milliseconds.slice(milliseconds.length / 10).sort((left, right) => left - right);
  const speed = (time: number) => operations / time / 1e6;
  return { median: speed(sorted[sorted.length >> 1]!), best: speed(sorted[0]!) };
}

function show({ median, best }: Speed): string {
  return `${median.toFixed(1)} (${best.toFixed(1)})`.padStart(14);
}
