import { describe, expect, it } from 'vitest';
import { kTanh } from '../../../src/numerics/integer/k-tanh.ts';
import { kGelu, kSigmoid, kSwish, kTanhOf } from '../../../src/numerics/integer/k-tanh-derived.ts';
import { gelu, sigmoid } from './real.ts';

/** A bf16 pattern is the upper half of an fp32 one. */
const view = new DataView(new ArrayBuffer(4));
function bf16(pattern: number): number {
  view.setUint16(0, pattern);
  return view.getFloat32(0);
}

describe('K-TanH', () => {
  it('is off by at most 0.0090 for every bf16 input, and odd', () => {
    let worst = 0;
    for (let pattern = 0; pattern <= 0x7f80; pattern++) {
      const result = kTanh(pattern);
      worst = Math.max(worst, Math.abs(bf16(result) - Math.tanh(bf16(pattern))));
      if (kTanh(pattern | 0x8000) !== (result | 0x8000)) expect.fail(`sign of ${pattern}`);
    }
    expect(worst).toBeCloseTo(0.0089, 4);
  });

  it('is the input below 0.25 and 1 from 3.75 on', () => {
    expect(kTanhOf(0.2490234375)).toBe(0.2490234375);
    expect([3.75, 4, 100, Number.POSITIVE_INFINITY, -3.75].map(kTanhOf)).toEqual([1, 1, 1, 1, -1]);
  });

  it('each row has the least largest error that an exponent, a shift and a bias can have', () => {
    for (let row = 0; row < 32; row++) {
      const exponent = row < 8 ? 128 : 124 + (row >> 3);
      const inputs = Array.from({ length: 16 }, (_, low) => (exponent << 7) | ((row & 7) << 4) | low);
      if (bf16(inputs[0]!) >= 3.75) continue;
      const errorOf = (result: (fraction: number) => number): number =>
        Math.max(...inputs.map((input) => Math.abs(bf16(result(input & 0x7f)) - Math.tanh(bf16(input)))));
      const reached = Math.max(...inputs.map((input) => Math.abs(bf16(kTanh(input)) - Math.tanh(bf16(input)))));
      let least = Number.POSITIVE_INFINITY;
      for (const outExponent of [124, 125, 126]) {
        for (let shift = 0; shift < 8; shift++) {
          // Both ends within 7 bits keep everything between them there.
          const ends = [inputs[0]! & 0x7f, inputs[15]! & 0x7f].map((fraction) => fraction >> shift);
          for (let bias = -ends[0]!; bias <= 127 - ends[1]!; bias++) {
            least = Math.min(
              least,
              errorOf((fraction) => (outExponent << 7) | ((fraction >> shift) + bias)),
            );
          }
        }
      }
      expect(reached, `row ${row}`).toBe(least);
    }
  });

  it('gives sigmoid, swish and GELU', () => {
    const worst = { sigmoid: 0, swish: 0, gelu: 0 };
    for (let x = -8; x <= 8; x += 1 / 512) {
      worst.sigmoid = Math.max(worst.sigmoid, Math.abs(kSigmoid(x) - sigmoid(x)));
      worst.swish = Math.max(worst.swish, Math.abs(kSwish(x) - x * sigmoid(x)));
      worst.gelu = Math.max(worst.gelu, Math.abs(kGelu(x) - gelu(x)));
    }
    expect(worst.sigmoid).toBeLessThan(0.0049);
    expect(worst.swish).toBeLessThan(0.0105);
    expect(worst.gelu).toBeLessThan(0.0058);
  });
});
