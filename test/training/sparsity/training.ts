import { plainContractions } from '../../../src/numerics/ops/plain-contractions.ts';
import { blobs } from '../../../src/training/data/generated.ts';
import type { Checkpoint } from '../../../src/training/execute/checkpoint.ts';
import type { Session } from '../../../src/training/execute/session.ts';
import type { Optimizer } from '../../../src/training/optimizers.ts';
import type { SparseTraining } from '../../../src/training/sparsity/hooks.ts';
import { frozen } from '../../../src/training/sparsity/lottery.ts';
import { prunableWeights } from '../../../src/training/sparsity/weight-layout.ts';
import { Trainer } from '../../../src/training/trainer.ts';
import { forwardTrace, trainingTrace } from '../execute/network.ts';

const PERCEPTRON = `input: [8]
layers:
  - linear: { name: fc1, out: 16, act: relu }
  - linear: { name: fc2, out: 12, act: relu }
  - linear: { name: fc3, out: 4 }
`;
const DATASET = blobs(4, 8, 400, 200);

export const STEPS_PER_EPOCH = 20;
export const layouts = prunableWeights(forwardTrace(PERCEPTRON, 1));

export interface Trained {
  readonly start: Checkpoint;
  readonly end: Checkpoint;
  readonly testAccuracy: number;
}

export interface TrainingOptions {
  readonly optimizer?: Optimizer;
  readonly precision?: string;
  readonly epochs?: number;
  readonly learningRate?: number;
  readonly start?: Checkpoint;
  readonly watch?: (session: Session, step: number) => void;
}

/** Trains a small perceptron on clouds of points; the same arguments give the same bits. */
export function train(seed: number, hooks: SparseTraining | null, options: TrainingOptions = {}): Trained {
  const { optimizer = 'momentum', precision = 'fp32', epochs = 2, learningRate = 0.05, start, watch } = options;
  const seen: { start?: Checkpoint; session?: Session } = {};
  const trainer = new Trainer({
    step: trainingTrace(PERCEPTRON, 20, optimizer, precision),
    forward: forwardTrace(PERCEPTRON, 50, precision),
    ...{ dataset: DATASET, epochs, seed, contractions: plainContractions() },
    schedule: { learningRate, shape: 'constant', warmupSteps: 0 },
    ...{ momentum: 0.9, weightDecay: 0.001, rounding: 'nearest', lossScale: null },
    onStart: (session) => {
      if (start !== undefined) session.restore(start);
      hooks?.onStart(session);
      seen.session = session;
      seen.start = frozen(session.checkpoint());
    },
    afterStep: (session, step) => {
      hooks?.afterStep(session, step);
      watch?.(session, step);
    },
  });
  for (let epoch = 0; epoch < epochs; epoch++) trainer.epoch(() => undefined);
  return {
    start: seen.start!,
    end: frozen(seen.session!.checkpoint()),
    testAccuracy: trainer.epochs[epochs - 1]!.testAccuracy,
  };
}

/** The bits of all weights and states by name. */
export function bitsOf({ tensors }: Checkpoint): Record<string, number[]> {
  return Object.fromEntries([...tensors].map(([name, values]) => [name, [...new Uint8Array(values.slice().buffer)]]));
}
