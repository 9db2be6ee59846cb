/** What the updates of one step go by; schedules set it from step to step. */
export interface StepSettings {
  readonly learningRate: number;
  /** Share of the velocity that stays (momentum, nesterov, lars). */
  readonly momentum: number;
  /** Added to the gradient times the weight: an L2 penalty of half of it. */
  readonly weightDecay: number;
  /** Share of the mean that stays (adam). */
  readonly beta1: number;
  /** Share of the mean square that stays (adam). */
  readonly beta2: number;
  /** The same without bias correction (rmsprop; Hinton 2012). */
  readonly decay: number;
  /** Added to roots that are divided by (adagrad, rmsprop, adam). */
  readonly epsilon: number;
  /** Which mini-batch of the epoch this is, from 0 (sag, which keeps one gradient for each). */
  readonly batchIndex: number;
  /** The loss's gradient is multiplied by this, and every weight's divided by it before its update; formats of few bits need it. */
  readonly lossScale: number;
  /** How far batch-renorm's deviations may be from the running ones, at least 1 (Ioffe 2017: from 1 rising to 3). */
  readonly renormRatio: number;
  /** How many deviations its means may be away (Ioffe 2017: from 0 rising to 5). */
  readonly renormShift: number;
}

export const DEFAULT_SETTINGS: StepSettings = {
  learningRate: 0.01,
  momentum: 0.9,
  weightDecay: 0,
  beta1: 0.9,
  beta2: 0.999,
  decay: 0.9,
  epsilon: 1e-8,
  batchIndex: 0,
  lossScale: 1,
  renormRatio: 3,
  renormShift: 5,
};
