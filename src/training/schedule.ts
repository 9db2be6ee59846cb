/** How the learning rate goes from step to step. */
export interface Schedule {
  readonly learningRate: number;
  readonly shape: 'constant' | 'step' | 'linear' | 'cosine';
  /** Steps over which the rate rises from 0 at first (Goyal 2017). */
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/** `step`: a tenth after half of the steps, a hundredth after three quarters, as ResNet is trained (He 2015). */
function share(shape: Schedule['shape'], done: number): number {
  switch (shape) {
    case 'constant':
      return 1;
    case 'step':
      return done < 0.5 ? 1 : done < 0.75 ? 0.1 : 0.01;
    case 'linear':
      return 1 - done;
    case 'cosine':
      return (1 + Math.cos(Math.PI * done)) / 2;
  }
}

/** Learning rate of a step, counted from 0. */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { learningRate, shape, warmupSteps, totalSteps } = schedule;
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  const decaySteps = Math.max(1, totalSteps - warmupSteps);
  return learningRate * share(shape, Math.min(1, (step - warmupSteps) / decaySteps));
}
