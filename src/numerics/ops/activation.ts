import { errorFunction } from './error-function.ts';
import type { Values } from './values.ts';

/** Slope of leaky-relu below zero (Maas 2013). */
const LEAK = 0.01;

interface Activation {
  readonly value: (x: number) => number;
  /** From what the backward pass keeps: the result where `fromResult`, else the operand. At a kink: 0 or the lower slope. */
  readonly slope: (kept: number) => number;
  readonly fromResult: boolean;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Share of the standard normal below x. */
function normalBelow(x: number): number {
  return 0.5 * (1 + errorFunction(x * Math.SQRT1_2));
}

function hardswishSlope(x: number): number {
  if (x <= -3) return 0;
  return x >= 3 ? 1 : (2 * x + 3) / 6;
}

/** gelu is x times the normal distribution by the error function (Hendrycks and Gimpel 2016), not its tanh approximation. */
export const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  relu: { value: (x) => (x < 0 ? 0 : x), slope: (y) => (y > 0 ? 1 : 0), fromResult: true },
  relu6: { value: (x) => Math.min(Math.max(x, 0), 6), slope: (y) => (y > 0 && y < 6 ? 1 : 0), fromResult: true },
  'leaky-relu': { value: (x) => (x > 0 ? x : LEAK * x), slope: (y) => (y > 0 ? 1 : LEAK), fromResult: true },
  sigmoid: { value: sigmoid, slope: (y) => y * (1 - y), fromResult: true },
  tanh: { value: Math.tanh, slope: (y) => 1 - y * y, fromResult: true },
  exp: { value: Math.exp, slope: (y) => y, fromResult: true },
  gelu: {
    value: (x) => x * normalBelow(x),
    slope: (x) => normalBelow(x) + x * Math.exp(-0.5 * x * x) * (Math.SQRT1_2 / Math.sqrt(Math.PI)),
    fromResult: false,
  },
  silu: {
    value: (x) => x * sigmoid(x),
    slope: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
    fromResult: false,
  },
  hardswish: {
    value: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
    slope: hardswishSlope,
    fromResult: false,
  },
};

/** result = function of operand, element by element. */
export function applyFunction(value: (x: number) => number, operand: Values, result: Values): void {
  for (let index = 0; index < result.length; index++) result[index] = value(operand[index]!);
}

/** result = gradient * slope of what was kept. */
export function applySlope(slope: (kept: number) => number, gradient: Values, kept: Values, result: Values): void {
  for (let index = 0; index < result.length; index++) result[index] = gradient[index]! * slope(kept[index]!);
}

/** relu as a loop of its own: its arithmetic costs less than a call. NaN stays NaN. */
export function applyRelu(operand: Values, result: Values): void {
  for (let index = 0; index < result.length; index++) {
    const x = operand[index]!;
    result[index] = x < 0 ? 0 : x;
  }
}

export function applyReluSlope(gradient: Values, kept: Values, result: Values): void {
  for (let index = 0; index < result.length; index++) result[index] = kept[index]! > 0 ? gradient[index]! : 0;
}
