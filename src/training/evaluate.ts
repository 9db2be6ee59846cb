import type { TensorId } from '../trace/trace.ts';
import { type Batches, countRight } from './batches.ts';
import type { Session } from './execute/session.ts';

/** A network's forward pass with the names of what goes in and comes out. */
export interface Classifier {
  readonly session: Session;
  readonly input: string;
  readonly output: TensorId;
  readonly classes: number;
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
