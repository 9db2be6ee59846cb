/** A figure with its source, and what the model says. */
export interface AnchorResult {
  readonly id: string;
  readonly machine: string;
  readonly what: string;
  readonly unit: string;
  readonly published: number;
  readonly predicted: number;
  /** percent: relative to the published figure; points: difference of two percentages. */
  readonly errorIn: 'percent' | 'points';
  /** Largest absolute error that is accepted; null where the source contradicts itself and the row is only shown. */
  readonly bound: number | null;
}

/** Signed error in percent or percentage points. */
export function errorOf(result: AnchorResult): number {
  const difference = result.predicted - result.published;
  return result.errorIn === 'points' ? difference : (100 * difference) / result.published;
}

export function holds(result: AnchorResult): boolean {
  return result.bound === null || Math.abs(errorOf(result)) <= result.bound;
}
