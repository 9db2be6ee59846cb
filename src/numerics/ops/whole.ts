import type { Values } from './values.ts';

/** Weights that change together, and their gradients: `start` counts in the weights, `gradientStart` in the gradients. */
export interface WeightSlice {
  readonly weight: Values;
  readonly gradient: Values;
  start: number;
  gradientStart: number;
  length: number;
  /** What gradients are multiplied by. */
  gradientFactor: number;
}

/** What a training step does with every weight besides products. */
export interface WholePasses {
  /** Whether no value is NaN or infinite. */
  allFinite(values: Values): boolean;
  /** w -= rate (factor g + decay w), in double precision and rounded once. */
  descend(slice: WeightSlice, rate: number, decay: number): void;
}

/** The same in TypeScript. */
export const PLAIN_PASSES: WholePasses = {
  allFinite(values) {
    // A sum of finite numbers in single precision stays finite in double; of larger ones each is looked at.
    let sum = 0;
    for (let index = 0; index < values.length; index++) sum += values[index]!;
    return Number.isFinite(sum) || values.every((value: number) => Number.isFinite(value));
  },
  descend(slice, rate, decay) {
    const { weight, gradient, start, gradientStart, length, gradientFactor } = slice;
    for (let index = 0; index < length; index++) {
      const w = weight[start + index]!;
      weight[start + index] = w - rate * (gradient[gradientStart + index]! * gradientFactor + decay * w);
    }
  },
};
