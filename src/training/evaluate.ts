import type { Contractions } from '../numerics/ops/contraction.ts';
import type { TensorId, Trace } from '../trace/trace.ts';
import { type Batches, countRight } from './batches.ts';
import type { Session } from './execute/session.ts';

/** A network's forward pass with the names of what goes in and comes out. */
export interface Classifier {
  readonly session: Session;
  readonly input: string;
  readonly output: TensorId;
  readonly classes: number;
}

/** A trained network and all it takes to test it otherwise than it was trained; nothing of it changes by that. */
export interface TrainedNetwork {
  readonly trained: Classifier;
  readonly forward: Trace;
  readonly contractions: Contractions;
  /** Training samples to calibrate with, and samples to test with. */
  readonly calibration: Batches;
  readonly calibrationCount: number;
  readonly test: Batches;
  readonly testCount: number;
}

/** Share of the first `count` samples that are told right. */
export function accuracyOf({ session, input, output, classes }: Classifier, batches: Batches, count: number): number {
  const answer = (values: ArrayLike<number>): ArrayLike<number> => {
    session.run({ [input]: values });
    return session.values(output);
  };
  return shareRight(answer, classes, batches, count);
}

/** The same for anything that answers a batch of samples with a value for each class. */
export function shareRight(
  answer: (values: ArrayLike<number>) => ArrayLike<number>,
  classes: number,
  batches: Batches,
  count: number,
): number {
  let right = 0;
  for (let start = 0; start < count; start += batches.batch) {
    const rows = Math.min(batches.fill(start, null), count - start);
    right += countRight(answer(batches.input), classes, batches.target, rows);
  }
  return right / count;
}
