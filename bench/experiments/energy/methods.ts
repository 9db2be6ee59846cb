import type { TraceOptions } from '../../../src/workload/load.ts';

/** A way to train: how many samples a step takes, and what takes errors back through the layers. */
export interface Method {
  readonly name: string;
  readonly batch: number;
  /** Epochs of each of its runs: a short one comes to low accuracies sooner, as its learning rate falls sooner, a long one to higher ones. */
  readonly epochs: readonly number[];
  /** Passes over the samples that learning rates are compared on. */
  readonly rateEpochs: number;
  /** Learning rate that comparing starts at. */
  readonly firstRate: number;
  readonly options: Pick<TraceOptions, 'feedback' | 'propagation'>;
}

const ONE = { batch: 1, epochs: [1, 3], rateEpochs: 1, firstRate: 0.01 } as const;

export const METHODS: readonly Method[] = [
  { name: 'SGD', ...ONE, options: {} },
  { name: 'CP', ...ONE, options: { propagation: 'pipelined' } },
  { name: 'FA', ...ONE, options: { feedback: 'alignment' } },
  { name: 'DFA', ...ONE, options: { feedback: 'direct' } },
  { name: 'mini-batch', batch: 50, epochs: [1, 3, 15], rateEpochs: 5, firstRate: 0.2, options: {} },
];

/** A network to train. */
export interface Subject {
  readonly name: string;
  readonly path: string;
}

export const SUBJECTS: readonly Subject[] = [
  { name: 'lenet-300-100', path: 'lenet-300-100' },
  { name: 'mlp-500', path: 'reports/anchors/mlp-500.yaml' },
];

export const MACHINES = ['caterpillar-2x16', 'caterpillar-2x4'] as const;
