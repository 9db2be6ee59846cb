import type { Report } from '../report/report.ts';

/** Kept results of `accsim validate`: the error of every anchor, and the sentence that reports carry. */
export interface Baseline {
  /** Absolute error by anchor, in the anchor's own unit (percent or percentage points). */
  readonly errors: Readonly<Record<string, number>>;
  readonly accuracy: Readonly<Record<string, Report['accuracy']>>;
}
