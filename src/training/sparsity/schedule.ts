/** When masks are drawn anew during training, and how much is pruned then. */
export interface CubicSchedule {
  /** Pruned shares, 0 to 1, before and after. */
  readonly initialSparsity: number;
  readonly finalSparsity: number;
  readonly firstStep: number;
  readonly lastStep: number;
  /** Steps from one pruning to the next. */
  readonly everySteps: number;
}

/**
 * Share that is pruned at a step: falls fast at first, when much can be spared, and slowly towards the end, s = sf + (si - sf)
 * (1 - t)^3 with t from 0 to 1 (Zhu and Gupta 2017, "To prune, or not to prune").
 */
export function cubicSparsity(schedule: CubicSchedule, step: number): number {
  const { initialSparsity, finalSparsity, firstStep, lastStep } = schedule;
  if (step < firstStep) return initialSparsity;
  if (step >= lastStep) return finalSparsity;
  return finalSparsity + (initialSparsity - finalSparsity) * (1 - (step - firstStep) / (lastStep - firstStep)) ** 3;
}

/** Whether masks are drawn at a step; at the last one always, so that the final share is reached. */
export function prunesAt({ firstStep, lastStep, everySteps }: CubicSchedule, step: number): boolean {
  return step === lastStep || (step >= firstStep && step < lastStep && (step - firstStep) % everySteps === 0);
}

/** Shares that stay after each of some rounds that all prune the same part of what is left (Frankle and Carbin 2019). */
export function roundShares(finalShare: number, rounds: number): number[] {
  return Array.from({ length: rounds }, (_, round) => finalShare ** ((round + 1) / rounds));
}
