import type { TraceOptions } from '../../../src/workload/load.ts';

/** A way to train: how many samples a step takes, and what takes errors back through the layers. */
export interface Method {
  readonly name: string;
  readonly batch: number;
  /** Passes over the samples that learning rates are compared on. */
  readonly rateEpochs: number;
  /** Learning rate that comparing starts at. */
  readonly firstRate: number;
  readonly options: Pick<TraceOptions, 'feedback' | 'propagation'>;
}

const ONE = { batch: 1, rateEpochs: 1, firstRate: 0.01 } as const;

export const METHODS: readonly Method[] = [
  { name: 'SGD', ...ONE, options: {} },
  { name: 'CP', ...ONE, options: { propagation: 'pipelined' } },
  { name: 'FA', ...ONE, options: { feedback: 'alignment' } },
  { name: 'DFA', ...ONE, options: { feedback: 'direct' } },
  { name: 'mini-batch', batch: 50, rateEpochs: 5, firstRate: 0.2, options: {} },
];

/** A network to train, and on what: the first of MNIST's training images. */
export interface Subject {
  readonly name: string;
  readonly path: string;
  /** Images of an epoch. */
  readonly samples: number;
  /** Images that learning rates are compared on. */
  readonly rateSamples: number;
  /**
   * Epochs of each run, of methods of one sample a step and of batches: a short run comes to low accuracies sooner, as its learning rate
   * falls sooner, a long one to higher ones.
   */
  readonly epochs: { readonly one: readonly number[]; readonly batch: readonly number[] };
}

const SMALL = { samples: 50_000, rateSamples: 10_000, epochs: { one: [1, 3], batch: [1, 3, 6, 15] } } as const;
/** A sample takes twenty milliseconds to train on. */
const LARGE = { samples: 50_000, rateSamples: 4_000, epochs: { one: [1], batch: [1, 3] } } as const;

export const SUBJECTS: readonly Subject[] = [
  { name: 'lenet-300-100', path: 'lenet-300-100', ...SMALL },
  { name: 'mlp-500', path: 'reports/anchors/mlp-500.yaml', ...SMALL },
  { name: 'mlp-2500', path: 'reports/anchors/mlp-2500.yaml', ...LARGE },
];

export function epochsOf({ epochs }: Subject, { batch }: Method): readonly number[] {
  return batch === 1 ? epochs.one : epochs.batch;
}

export const MACHINES = ['caterpillar-2x16', 'caterpillar-2x4'] as const;
