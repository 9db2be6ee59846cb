/**
 * The factor by which a loss is multiplied so that small gradients stay above the smallest number of their format; gradients
 * are divided by it before clipping and update (Micikevicius 2018). Each rule is a pure step from state to state.
 *
 * static: never changes. automatic: starts large; an overflow divides it, `growthSteps` steps without one multiply it.
 * enhanced: automatic, but never below a floor that rises with the step, so that overflows of single steps, common in fp8,
 * cannot push the scale down to where gradients vanish (Mellempudi 2019, arXiv 1905.12334).
 */
export type LossScaleRule =
  | { readonly kind: 'static'; readonly scale: number }
  | ({ readonly kind: 'automatic' } & BackOff)
  | ({ readonly kind: 'enhanced'; readonly floors: readonly ScaleFloor[] } & BackOff);

export interface BackOff {
  readonly initialScale: number;
  /** Good steps in a row after which the scale grows. */
  readonly growthSteps: number;
  /** Both growth and back-off; a power of two changes no fraction bits. */
  readonly factor: number;
  readonly largestScale: number;
}

/** From the given step on the scale is at least this. */
export interface ScaleFloor {
  readonly fromStep: number;
  readonly scale: number;
}

export interface LossScaleState {
  /** Steps taken so far, with the ones whose update was skipped. */
  readonly step: number;
  readonly scale: number;
  /** Steps without overflow since the scale last changed. */
  readonly goodSteps: number;
}

/** From 2^15, with growth after 2000 good steps: TensorFlow's DynamicLossScale. The largest scale is our choice. */
export const AUTOMATIC_LOSS_SCALE = {
  kind: 'automatic',
  initialScale: 2 ** 15,
  growthSteps: 2000,
  factor: 2,
  largestScale: 2 ** 24,
} as const satisfies LossScaleRule;

/**
 * The floors for GNMT in Mellempudi 2019: 8K after 40,000 steps, 32K after about 150,000. Recalled, not read again; the lectures
 * show only the curve (figure 2, right). Shorter trainings state their own.
 */
export const ENHANCED_LOSS_SCALE = {
  ...AUTOMATIC_LOSS_SCALE,
  kind: 'enhanced',
  floors: [
    { fromStep: 40_000, scale: 2 ** 13 },
    { fromStep: 150_000, scale: 2 ** 15 },
  ],
} as const satisfies LossScaleRule;

export function initialLossScale(rule: LossScaleRule): LossScaleState {
  const scale = rule.kind === 'static' ? rule.scale : Math.max(rule.initialScale, floorAt(rule, 0));
  return { step: 0, scale, goodSteps: 0 };
}

/** The state for the next step. The caller skips the update of a step whose gradients hold infinity or NaN. */
export function nextLossScale(rule: LossScaleRule, state: LossScaleState, overflowed: boolean): LossScaleState {
  const step = state.step + 1;
  const goodSteps = overflowed ? 0 : state.goodSteps + 1;
  if (rule.kind === 'static') return { step, scale: state.scale, goodSteps };
  const floor = floorAt(rule, step);
  if (overflowed) return { step, scale: Math.max(state.scale / rule.factor, floor), goodSteps };
  const grows = goodSteps === rule.growthSteps;
  const grown = grows ? Math.min(state.scale * rule.factor, rule.largestScale) : state.scale;
  return { step, scale: Math.max(grown, floor), goodSteps: grows ? 0 : goodSteps };
}

/** Whatever the rule, a scale below the smallest normal fp32 number would make its inverse overflow. */
const LOWEST_FLOOR = 2 ** -126;

function floorAt(rule: Exclude<LossScaleRule, { kind: 'static' }>, step: number): number {
  const reached = rule.kind === 'enhanced' ? rule.floors.filter(({ fromStep }) => fromStep <= step) : [];
  return Math.max(LOWEST_FLOOR, ...reached.map(({ scale }) => scale));
}
