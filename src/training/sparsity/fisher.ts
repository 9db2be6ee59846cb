import type { Values } from '../../numerics/ops/values.ts';
import { Random } from '../../numerics/random.ts';
import { Batches, classifierOf, shuffled } from '../batches.ts';
import type { Dataset } from '../data/dataset.ts';
import { probe, type ProbeOptions, weightGradients } from './probe.ts';

/** Means of squared gradients by weight. */
export class SquaredGradients {
  private readonly sums = new Map<string, Float64Array>();
  private readonly counts = new Map<string, number>();

  add(name: string, gradient: Values): void {
    const sums = this.sums.get(name) ?? new Float64Array(gradient.length);
    for (let index = 0; index < sums.length; index++) sums[index]! += gradient[index]! ** 2;
    this.sums.set(name, sums);
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  get means(): ReadonlyMap<string, Float64Array> {
    return new Map([...this.sums].map(([name, sums]) => [name, sums.map((sum) => sum / this.counts.get(name)!)]));
  }
}

export interface FisherOptions extends Omit<ProbeOptions, 'keep'> {
  readonly dataset: Dataset;
  /** Samples that are looked at, drawn by chance. */
  readonly samples: number;
  /**
   * data: the classes they have (empirical Fisher information). model: classes drawn from the network's own answers, which gives the
   * diagonal of the Gauss-Newton matrix of cross entropy (Martens 2020, "New insights and perspectives on the natural gradient").
   */
  readonly labels: 'data' | 'model';
}

/**
 * Diagonal of the curvature of the loss by weight: the mean square of single samples' gradients. The step's batch must be 1, as the
 * square of a batch's mean gradient is something else.
 */
export function diagonalFisher(options: FisherOptions): ReadonlyMap<string, Float64Array> {
  const { step, dataset, samples, labels, seed } = options;
  const names = classifierOf(step, dataset);
  const gradients = weightGradients(step);
  const session = probe({ ...options, keep: [...gradients.values(), names.output] });
  const batches = new Batches(dataset.train, dataset, step.workload.batch);
  const order = shuffled(dataset.train.count, seed, 0);
  const random = Random.named(seed, 'labels of the model');
  const squared = new SquaredGradients();
  for (let sample = 0; sample < Math.min(samples, order.length); sample++) {
    batches.fill(sample, order);
    const run = (): void => session.run({ [names.input]: batches.input, [names.target]: batches.target });
    run();
    if (labels === 'model') {
      batches.target[0] = drawClass(session.values(names.output), random);
      run();
    }
    for (const [name, id] of gradients) squared.add(name, session.values(id));
  }
  return squared.means;
}

/** A class with the chance that the softmax of a network's results gives it. */
function drawClass(results: Values, random: Random): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const result of results) highest = Math.max(highest, result);
  const chances = Float64Array.from(results, (result) => Math.exp(result - highest));
  let left = random.uniform() * chances.reduce((sum, chance) => sum + chance, 0);
  for (let index = 0; index < chances.length - 1; index++) {
    left -= chances[index]!;
    if (left < 0) return index;
  }
  return chances.length - 1;
}
