import { describe, expect, it } from 'vitest';
import {
  AUTOMATIC_LOSS_SCALE,
  ENHANCED_LOSS_SCALE,
  initialLossScale,
  type LossScaleRule,
  nextLossScale,
} from '../../../src/numerics/formats/loss-scale.ts';
import { firstNotFinite } from '../../../src/numerics/formats/overflow.ts';

/** Scale before each step and after the last; `x` is a step that overflowed. */
function scales(rule: LossScaleRule, steps: string): number[] {
  let state = initialLossScale(rule);
  const seen = [state.scale];
  for (const step of steps) {
    state = nextLossScale(rule, state, step === 'x');
    seen.push(state.scale);
  }
  return seen;
}

const backOff = { initialScale: 16, growthSteps: 3, factor: 2, largestScale: 64 };

describe('loss scaling, step by step', () => {
  it('static never changes', () => {
    expect(scales({ kind: 'static', scale: 1000 }, '.x.')).toEqual([1000, 1000, 1000, 1000]);
  });

  it('automatic halves on overflow, doubles after 3 good steps in a row, and stops at the largest', () => {
    const rule = { kind: 'automatic', ...backOff } as const;
    expect(scales(rule, 'xx...')).toEqual([16, 8, 4, 4, 4, 8]);
    expect(scales(rule, '..x...')).toEqual([16, 16, 16, 8, 8, 8, 16]);
    expect(scales(rule, '.........')).toEqual([16, 16, 16, 32, 32, 32, 64, 64, 64, 64]);
  });

  it('enhanced never falls below a floor that rises with the step', () => {
    const floors = [
      { fromStep: 0, scale: 8 },
      { fromStep: 4, scale: 32 },
    ];
    const rule = { kind: 'enhanced', ...backOff, floors } as const;
    expect(scales(rule, 'xxx.xx...x')).toEqual([16, 8, 8, 8, 32, 32, 32, 32, 32, 64, 32]);
  });

  it('counts every step and the good ones in a row', () => {
    const rule = { kind: 'automatic', ...backOff } as const;
    let state = initialLossScale(rule);
    for (const overflowed of [false, false, true, false]) state = nextLossScale(rule, state, overflowed);
    expect(state).toEqual({ step: 4, scale: 8, goodSteps: 1 });
  });

  it('never ends at zero', () => {
    expect(scales(AUTOMATIC_LOSS_SCALE, 'x'.repeat(2000)).at(-1)).toBe(2 ** -126);
  });

  it("GNMT's floors: 8K from step 40,000, 32K from 150,000", () => {
    const after = (steps: number): number => scales(ENHANCED_LOSS_SCALE, 'x'.repeat(steps)).at(-1)!;
    expect([39_999, 40_000, 149_999, 150_000].map(after)).toEqual([2 ** -126, 8192, 8192, 32768]);
  });
});

describe('overflow', () => {
  it('is the first infinity or NaN', () => {
    expect(firstNotFinite(Float32Array.of(1, -3e38, 0))).toBeNull();
    expect(firstNotFinite(Float32Array.of(1, Number.NEGATIVE_INFINITY, Number.NaN))).toBe(1);
    expect(firstNotFinite(Float32Array.of(1, 0, Number.NaN).subarray(1))).toBe(1);
  });
});
