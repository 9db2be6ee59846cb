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
  let right = 0;
  for (let start = 0; start < count; start += batches.batch) {
    const rows = Math.min(batches.fill(start, null), count - start);
    session.run({ [input]: batches.input });
    right += countRight(session.values(output), classes, batches.target, rows);
  }
  return right / count;
}
