import type { Values } from '../../numerics/ops/values.ts';
import { atLeast } from './largest.ts';

/** Deep gradient compression (Lin et al. 2018): each rank sends its largest gradients and keeps the rest for later steps. */
export interface Compression {
  /** Share of each weight's gradient that is sent, above 0 to 1. */
  readonly share: number;
  /** Steps of a stage of the warm-up: first a quarter is sent, then a quarter of that ..., until the share is reached; 0: no warm-up. */
  readonly warmupStageSteps: number;
}

/** What of one weight's gradient a rank has not sent yet. */
export interface Unsent {
  /** Gradients with momentum: u = m u + g. */
  readonly velocity: Values;
  /** Sum of all velocities since an element was last sent. */
  readonly residual: Values;
}

/** Share that is sent in a step, counted from 0; the factor of 4 a stage is that of Lin et al., section 3.3. */
export function shareAt({ share, warmupStageSteps }: Compression, step: number): number {
  if (warmupStageSteps === 0) return share;
  return Math.max(share, 0.25 ** (Math.floor(step / warmupStageSteps) + 1));
}

/** Elements that are sent of so many; at least one. */
export function sentCount(elements: number, share: number): number {
  return Math.max(1, Math.ceil(elements * share));
}

/**
 * Adds a gradient to what is unsent, and moves the elements of largest magnitude from there to `sent`, the others of which become 0.
 * What is sent starts anew, its velocity too (momentum factor masking).
 */
export function compress(
  { velocity, residual }: Unsent,
  gradient: Values,
  momentum: number,
  count: number,
  sent: Values,
): void {
  const magnitudes = new Float64Array(gradient.length);
  for (let index = 0; index < gradient.length; index++) {
    velocity[index] = momentum * velocity[index]! + gradient[index]!;
    residual[index] = residual[index]! + velocity[index]!;
    magnitudes[index] = Math.abs(residual[index]!);
  }
  const limit = atLeast(magnitudes, count);
  let atLimit = count;
  for (let index = 0; index < gradient.length; index++) if (Math.abs(residual[index]!) > limit) atLimit--;
  for (let index = 0; index < gradient.length; index++) {
    const magnitude = Math.abs(residual[index]!);
    // Of equal ones those that come first leave.
    if (magnitude < limit || (magnitude === limit && atLimit-- <= 0)) {
      sent[index] = 0;
      continue;
    }
    sent[index] = residual[index]!;
    residual[index] = 0;
    velocity[index] = 0;
  }
}
