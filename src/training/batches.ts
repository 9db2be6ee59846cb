import { InputError } from '../errors.ts';
import { Random } from '../numerics/random.ts';
import { elements } from '../trace/facts.ts';
import type { TensorId, Trace } from '../trace/trace.ts';
import { type Dataset, type Samples, statisticsOf } from './data/dataset.ts';

/** Fills a network's input and target with samples, normalised by the mean and deviation of those it is trained on. */
export class Batches {
  readonly input: Float32Array;
  readonly target: Int32Array;
  private readonly mean: number;
  private readonly deviation: number;
  private readonly width: number;

  constructor(
    private readonly samples: Samples,
    dataset: Dataset,
    readonly batch: number,
  ) {
    const { mean, deviation } = statisticsOf(dataset.train);
    this.mean = mean;
    this.deviation = deviation;
    this.width = elements(dataset.shape);
    this.input = new Float32Array(batch * this.width);
    this.target = new Int32Array(batch);
  }

  /** Mini-batches of an epoch; samples that fill none are left out, others in every epoch. */
  get whole(): number {
    return Math.floor(this.samples.count / this.batch);
  }

  /** Puts the samples at `order[start]` and after into input and target; past the end the last one is repeated. Returns how many count. */
  fill(start: number, order: Int32Array | null): number {
    const { samples, width, mean, deviation } = this;
    const count = Math.min(this.batch, samples.count - start);
    for (let row = 0; row < this.batch; row++) {
      const place = start + Math.min(row, count - 1);
      const sample = order === null ? place : order[place]!;
      this.target[row] = samples.labels[sample]!;
      const [from, to] = [sample * width, row * width];
      for (let at = 0; at < width; at++) this.input[to + at] = (samples.values[from + at]! - mean) / deviation;
    }
    return count;
  }
}

/** A new order of all samples for each epoch, which depends on seed and epoch alone. */
export function shuffled(count: number, seed: number, epoch: number): Int32Array {
  const random = Random.named(seed, `order of epoch ${epoch}`);
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** Rows of [batch, classes] whose largest value stands at the row's target. */
export function countRight(
  output: ArrayLike<number>,
  classes: number,
  target: ArrayLike<number>,
  rows: number,
): number {
  let right = 0;
  for (let row = 0; row < rows; row++) {
    let best = row * classes;
    for (let at = best + 1; at < (row + 1) * classes; at++) if (output[at]! > output[best]!) best = at;
    if (best - row * classes === target[row]) right++;
  }
  return right;
}

/**
 * Names of the one input and the one target of a classifier's training step, and the tensor of its results. `expected` is the state that
 * has, before a step, the classes its results are held against where those came in earlier; null: they come in with it.
 */
export function classifierOf(
  trace: Trace,
  dataset: Dataset,
): { input: string; target: string; output: TensorId; expected: TensorId | null; classes: number } {
  const losses = trace.ops.filter(
    (op) => op.kind === 'elementwise' && op.function === 'loss' && op.phase === 'forward',
  );
  const targets = losses.map((op) => firstOf(trace, op.inputs[1]!));
  const inputs = trace.tensors.filter((tensor, id) => tensor.role === 'input' && !targets.includes(id));
  const { name } = trace.workload;
  if (losses.length !== 1 || inputs.length !== 1)
    throw InputError.of(
      name,
      `${inputs.length} inputs and ${losses.length} results`,
      'train a network with one input and one result',
    );
  const [output, compared] = losses[0]!.inputs as [TensorId, TensorId];
  const { shape } = trace.tensors[output]!;
  const width = elements(inputs[0]!.shape) / trace.workload.batch;
  if (width !== elements(dataset.shape))
    throw InputError.of(
      name,
      `takes ${width} values a sample, ${dataset.name} has ${dataset.shape.join(' x ')}`,
      'use another network or data set',
    );
  const classes = shape[shape.length - 1]!;
  if (shape.length !== 2 || classes < dataset.classes)
    throw InputError.of(
      name,
      `its results are [${shape.join(', ')}], ${dataset.name} has ${dataset.classes} classes`,
      'end the network with one value for each class',
    );
  const target = targets[0]!;
  const expected = compared === target ? null : compared;
  return { input: inputs[0]!.name, target: trace.tensors[target]!.name, output, expected, classes };
}

/** The tensor whose values of earlier steps a state holds; any other tensor itself. */
function firstOf({ ops }: Trace, id: TensorId): TensorId {
  const delay = ops.find((op) => op.kind === 'move' && op.function === 'delay' && op.outputs.includes(id));
  return delay?.inputs[0] ?? id;
}
