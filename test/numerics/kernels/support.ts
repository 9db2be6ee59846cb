import { expect } from 'vitest';
import { dataPath, readInputBytes } from '../../../src/files.ts';
import type { ConvShape } from '../../../src/numerics/kernels/conv-shape.ts';
import { createKernels } from '../../../src/numerics/kernels/kernels.ts';

/** The seed of every property and every operand: a failing case is found again by it. */
export const SEED = 20240611;

export const BYTES = readInputBytes(dataPath('dist', 'kernels.wasm'));
export const kernels = createKernels(BYTES);

/** An array of the kernels' heap with values in -1..1 from a fixed linear congruence. */
export function random(length: number, seed: number): Float32Array {
  const values = kernels.heap.allocate(length);
  let state = (seed % 2147483646) + 1;
  for (let index = 0; index < length; index++) {
    state = (state * 48271) % 2147483647;
    values[index] = state / 1073741823.5 - 1;
  }
  return values;
}

export function releaseAll(...arrays: Float32Array[]): void {
  for (const array of arrays) kernels.heap.release(array);
}

/** A sum in double precision, with what bounds the error of the same sum in single precision. */
export class Sums {
  readonly #values: Float64Array;
  readonly #magnitudes: Float64Array;
  readonly #counts: Float64Array;

  constructor(length: number) {
    this.#values = new Float64Array(length);
    this.#magnitudes = new Float64Array(length);
    this.#counts = new Float64Array(length);
  }

  add(index: number, value: number): void {
    this.#values[index]! += value;
    this.#magnitudes[index]! += Math.abs(value);
    this.#counts[index]! += 1;
  }

  /**
   * Summed in any order, t products that are rounded one by one are off by at most gamma(t) = t u / (1 - t u) times the sum of their
   * magnitudes, u = 2^-24 (Higham 2002, section 3.1). Sums that were never added to must be exactly zero.
   */
  expectClose(actual: Float32Array, what: string): void {
    expect(actual.length).toBe(this.#values.length);
    for (let index = 0; index < actual.length; index++) {
      const rounding = this.#counts[index]! * 2 ** -24;
      const bound = (rounding / (1 - rounding)) * this.#magnitudes[index]!;
      const error = Math.abs(actual[index]! - this.#values[index]!);
      if (!(error <= bound)) expect.fail(`${what}: element ${index} is ${actual[index]}, not ${this.#values[index]}`);
    }
  }
}

/** Calls `visit` with the index of input, weight and output element of every product of a convolution. */
export function forEachProduct(shape: ConvShape, visit: (input: number, weight: number, output: number) => void): void {
  const { n, c, h, w, k, r, s, p, q, stride, padding, dilation, groups } = shape;
  const [inputChannels, outputChannels] = [c / groups, k / groups];
  for (let sample = 0; sample < n; sample++)
    for (let channel = 0; channel < k; channel++)
      for (let source = 0; source < inputChannels; source++)
        for (let row = 0; row < p; row++)
          for (let column = 0; column < q; column++)
            for (let down = 0; down < r; down++)
              for (let across = 0; across < s; across++) {
                const y = row * stride[0] + down * dilation[0] - padding[0];
                const x = column * stride[1] + across * dilation[1] - padding[1];
                if (y < 0 || y >= h || x < 0 || x >= w) continue;
                const inputChannel = Math.floor(channel / outputChannels) * inputChannels + source;
                visit(
                  ((sample * c + inputChannel) * h + y) * w + x,
                  ((channel * inputChannels + source) * r + down) * s + across,
                  ((sample * k + channel) * p + row) * q + column,
                );
              }
}
