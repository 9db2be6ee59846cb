import type { Values } from '../../numerics/ops/values.ts';
import type { WeightSlice, WholePasses } from '../../numerics/ops/whole.ts';
import type { Optimizer } from '../optimizers.ts';
import type { StepSettings } from './settings.ts';

/** Weights that change together, and what belongs to them; `start` counts in the states too. The gradient's factor is 1 / loss scale. */
export interface Slice extends WeightSlice {
  /** The optimizer's states, in the order of OPTIMIZER_STATES; those it has not are the weight itself, unread. */
  readonly first: Values;
  readonly second: Values;
}

/** `rate` is the learning rate (lars: times the layer's trust ratio), `step` counts from 1, `seen` the mini-batches sag remembers. */
export type UpdateRule = (slice: Slice, settings: StepSettings, rate: number, step: number, seen: number) => void;

/** Share of a layer's norm a lars update may have (You, Gitman and Ginsburg 2017). */
const TRUST = 0.001;

/** v = m v + g; w -= rate v (Polyak), or w -= rate (g + m v), which looks ahead (Nesterov, in Sutskever's form of 2013). */
function withVelocity(ahead: boolean): UpdateRule {
  return (slice, { weightDecay, momentum }, rate) => {
    const { weight, gradient, first, start, gradientStart, length, gradientFactor } = slice;
    for (let index = 0; index < length; index++) {
      const w = weight[start + index]!;
      const g = gradient[gradientStart + index]! * gradientFactor + weightDecay * w;
      const velocity = momentum * first[start + index]! + g;
      first[start + index] = velocity;
      weight[start + index] = w - rate * (ahead ? g + momentum * velocity : velocity);
    }
  };
}

/** The rate goes into the velocity, as the trust ratio changes from step to step. */
const lars: UpdateRule = (slice, { weightDecay, momentum }, rate) => {
  const { weight, gradient, first, start, gradientStart, length, gradientFactor } = slice;
  for (let index = 0; index < length; index++) {
    const w = weight[start + index]!;
    const velocity =
      momentum * first[start + index]! + rate * (gradient[gradientStart + index]! * gradientFactor + weightDecay * w);
    first[start + index] = velocity;
    weight[start + index] = w - velocity;
  }
};

/** Squares are summed up (Duchi 2011), or averaged with share `decay` kept (Hinton 2012). */
function bySquares(averaged: boolean): UpdateRule {
  return (slice, { weightDecay, decay, epsilon }, rate) => {
    const { weight, gradient, first, start, gradientStart, length, gradientFactor } = slice;
    const [stays, enters] = averaged ? [decay, 1 - decay] : [1, 1];
    for (let index = 0; index < length; index++) {
      const w = weight[start + index]!;
      const g = gradient[gradientStart + index]! * gradientFactor + weightDecay * w;
      const squares = stays * first[start + index]! + enters * g * g;
      first[start + index] = squares;
      weight[start + index] = w - (rate * g) / (Math.sqrt(squares) + epsilon);
    }
  };
}

/** Kingma and Ba 2015, with bias correction; weight decay goes through the gradient. */
const adam: UpdateRule = (slice, { weightDecay, beta1, beta2, epsilon }, rate, step) => {
  const { weight, gradient, first, second, start, gradientStart, length, gradientFactor } = slice;
  const meanFactor = rate / (1 - beta1 ** step);
  const squaresFactor = 1 / (1 - beta2 ** step);
  for (let index = 0; index < length; index++) {
    const w = weight[start + index]!;
    const g = gradient[gradientStart + index]! * gradientFactor + weightDecay * w;
    const mean = beta1 * first[start + index]! + (1 - beta1) * g;
    const squares = beta2 * second[start + index]! + (1 - beta2) * g * g;
    first[start + index] = mean;
    second[start + index] = squares;
    weight[start + index] = w - (meanFactor * mean) / (Math.sqrt(squares * squaresFactor) + epsilon);
  }
};

/** Mean of the last gradient of every mini-batch seen so far (Roux, Schmidt and Bach 2012); `second` is this one's last. */
const sag: UpdateRule = (slice, { weightDecay }, rate, _step, seen) => {
  const { weight, gradient, first, second, start, gradientStart, length, gradientFactor } = slice;
  for (let index = 0; index < length; index++) {
    const w = weight[start + index]!;
    const g = gradient[gradientStart + index]! * gradientFactor;
    const sum = first[start + index]! + g - second[start + index]!;
    first[start + index] = sum;
    second[start + index] = g;
    weight[start + index] = w - rate * (sum / seen + weightDecay * w);
  }
};

const RULES: Readonly<Record<Exclude<Optimizer, 'gd' | 'sgd'>, UpdateRule>> = {
  momentum: withVelocity(false),
  nesterov: withVelocity(true),
  adagrad: bySquares(false),
  rmsprop: bySquares(true),
  adam,
  lars,
  sag,
};

/** The rule of an optimizer; plain descent goes by the passes it is given. */
export function updateRule(optimizer: Optimizer, { descend }: WholePasses): UpdateRule {
  if (optimizer === 'gd' || optimizer === 'sgd')
    return (slice, { weightDecay }, rate) => descend(slice, rate, weightDecay);
  return RULES[optimizer];
}

/** Sum of squares of the weights and of the gradient of a slice. */
export function squares(slice: Slice): readonly [number, number] {
  const { weight, gradient, start, gradientStart, length, gradientFactor } = slice;
  let [weights, gradients] = [0, 0];
  for (let index = 0; index < length; index++) {
    weights += weight[start + index]! ** 2;
    gradients += (gradient[gradientStart + index]! * gradientFactor) ** 2;
  }
  return [weights, gradients];
}

/** Share of the learning rate a layer gets under lars; 1 where weights or gradient are all 0, so that biases can leave it. */
export function trustRatio(weightSquares: number, gradientSquares: number, weightDecay: number): number {
  const [weight, gradient] = [Math.sqrt(weightSquares), Math.sqrt(gradientSquares)];
  return weight === 0 || gradient === 0 ? 1 : (TRUST * weight) / (gradient + weightDecay * weight);
}
