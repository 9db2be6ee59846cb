import { forEachRun } from './channels.ts';
import { EPSILON, type NormSizes } from './normalisation.ts';
import type { RunningStatistics } from './running-normalisation.ts';
import type { Values } from './values.ts';

/** Shares of the past that statistics (forward) and errors (backward) keep from sample to sample: the defaults of Chiley 2019's code. */
const KEPT_FORWARD = 0.999;
const KEPT_BACKWARD = 0.99;

/**
 * Online normalisation (Chiley 2019, without its layer scaling), sample after sample: each by the mean and variance of those before it,
 * which then take it in. `saved` [2, samples, channels] keeps the mean and 1 / deviation each sample was given.
 */
export function normaliseOnline(
  sizes: NormSizes,
  { mean, spread }: RunningStatistics,
  operand: Values,
  scale: Values,
  shift: Values,
  result: Values,
  saved: Values,
): void {
  const { channels, positions } = sizes;
  const inverses = sizes.samples * channels;
  forEachRun(sizes, (channel, start, end, step, sample) => {
    const [before, variance] = [mean[channel]!, spread[channel]!];
    saved[sample * channels + channel] = before;
    saved[inverses + sample * channels + channel] = 1 / Math.sqrt(variance + EPSILON);
    let sum = 0;
    for (let at = start; at < end; at += step) sum += operand[at]!;
    const middle = sum / positions;
    let squares = 0;
    for (let at = start; at < end; at += step) squares += (operand[at]! - middle) ** 2;
    const away = middle - before;
    mean[channel] = before + (1 - KEPT_FORWARD) * away;
    spread[channel] = KEPT_FORWARD * variance + (1 - KEPT_FORWARD) * (squares / positions + KEPT_FORWARD * away * away);
  });
  normaliseSaved(sizes, saved, operand, scale, shift, result);
}

/** (operand - mean) / deviation * scale + shift by the statistics each sample was given. */
export function normaliseSaved(
  sizes: NormSizes,
  saved: Values,
  operand: Values,
  scale: Values,
  shift: Values,
  result: Values,
): void {
  const { channels } = sizes;
  const inverses = sizes.samples * channels;
  forEachRun(sizes, (channel, start, end, step, sample) => {
    const own = sample * channels + channel;
    const factor = saved[inverses + own]! * scale[channel]!;
    const offset = shift[channel]! - saved[own]! * factor;
    for (let at = start; at < end; at += step) result[at] = operand[at]! * factor + offset;
  });
}

/** How far gradients so far are from being orthogonal to the normal values, and to 1, a channel each. */
export interface OnlineErrors {
  readonly alongResult: Values;
  readonly along1: Values;
}

/**
 * Gradient of the operand, sample after sample. The statistics depend on samples that are gone, so what their gradients would subtract
 * is replaced by a control loop: errors are summed up and a share of them taken off. `lossScale` is what gradients are multiplied by.
 */
export function onlineGradient(
  sizes: NormSizes,
  saved: Values,
  errors: OnlineErrors,
  lossScale: number,
  gradient: Values,
  operand: Values,
  scale: Values,
  result: Values,
): void {
  const { channels, positions } = sizes;
  const { alongResult, along1 } = errors;
  const inverses = sizes.samples * channels;
  const gain = (1 - KEPT_BACKWARD) * lossScale;
  forEachRun(sizes, (channel, start, end, step, sample) => {
    const own = sample * channels + channel;
    const [mean, inverse] = [saved[own]!, saved[inverses + own]!];
    const [offResult, off1] = [gain * alongResult[channel]!, gain * along1[channel]!];
    let [sumResult, sum1] = [0, 0];
    for (let at = start; at < end; at += step) {
      const normal = (operand[at]! - mean) * inverse;
      const rest = gradient[at]! * scale[channel]! - offResult * normal;
      const share = rest * inverse - off1;
      sumResult += rest * normal;
      sum1 += share;
      result[at] = share;
    }
    alongResult[channel] = alongResult[channel]! + sumResult / positions / lossScale;
    along1[channel] = along1[channel]! + sum1 / positions / lossScale;
  });
}

/** Gradients of scale and shift. */
export function onlineWeightGradient(
  sizes: NormSizes,
  saved: Values,
  gradient: Values,
  operand: Values,
  scaleGradient: Values,
  shiftGradient: Values,
): void {
  const { channels } = sizes;
  const inverses = sizes.samples * channels;
  scaleGradient.fill(0);
  shiftGradient.fill(0);
  forEachRun(sizes, (channel, start, end, step, sample) => {
    const own = sample * channels + channel;
    let [sum, sumTimes] = [0, 0];
    for (let at = start; at < end; at += step) {
      sum += gradient[at]!;
      sumTimes += gradient[at]! * (operand[at]! - saved[own]!);
    }
    shiftGradient[channel] = shiftGradient[channel]! + sum;
    scaleGradient[channel] = scaleGradient[channel]! + sumTimes * saved[inverses + own]!;
  });
}
