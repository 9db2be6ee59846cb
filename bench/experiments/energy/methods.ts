import type { TraceOptions } from '../../../src/workload/load.ts';

/** A way to train: how many samples a step takes, and what takes errors back through the layers. */
export interface Method {
  readonly name: string;
  readonly batch: number;
  /** Passes over the samples; a step of one sample takes long in software, so those methods get fewer. */
  readonly epochs: number;
  readonly options: Pick<TraceOptions, 'feedback' | 'propagation'>;
}

export const METHODS: readonly Method[] = [
  { name: 'SGD', batch: 1, epochs: 1, options: {} },
  { name: 'CP', batch: 1, epochs: 1, options: { propagation: 'pipelined' } },
  { name: 'FA', batch: 1, epochs: 1, options: { feedback: 'alignment' } },
  { name: 'DFA', batch: 1, epochs: 1, options: { feedback: 'direct' } },
  { name: 'mini-batch', batch: 50, epochs: 5, options: {} },
];

/** A network, and the training samples that all methods share: the first of MNIST's. */
export interface Subject {
  readonly name: string;
  readonly path: string;
  readonly samples: number;
  /** Samples of the short runs, one epoch each, that learning rates are picked by. */
  readonly rateSamples: number;
}

export const SUBJECTS: readonly Subject[] = [
  { name: 'lenet-300-100', path: 'lenet-300-100', samples: 20_000, rateSamples: 1_500 },
  { name: 'mlp-500', path: 'reports/anchors/mlp-500.yaml', samples: 4_000, rateSamples: 400 },
];

export const MACHINES = ['caterpillar-2x16', 'caterpillar-2x4'] as const;

/** Learning rates tried, by whether a step takes one sample or many. */
export function ratesOf({ batch }: Method): readonly number[] {
  return batch === 1 ? [0.002, 0.006, 0.02] : [0.03, 0.1, 0.3];
}
