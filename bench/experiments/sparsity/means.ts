import type { Point } from './laboratory.ts';
import type { Run } from './runs.ts';

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The curves of all seeds of a label, averaged; epochs count from the first weights. */
export function meanCurve(runs: readonly Run[], label: string): Point[] {
  const same = runs.filter((run) => run.label === label);
  return same[0]!.curve.map(({ epoch }, index) => ({
    epoch: same[0]!.epochsBefore + epoch,
    testAccuracy: mean(same.map(({ curve }) => curve[index]!.testAccuracy)),
  }));
}

/** Accuracies that the runs of a label ended with, by seed. */
export function ends(runs: readonly Run[], label: string): number[] {
  return runs.filter((run) => run.label === label).map(({ curve }) => curve[curve.length - 1]!.testAccuracy);
}
