import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { Random } from '../../../src/numerics/random.ts';
import { OPTIMIZERS } from '../../../src/training/optimizers.ts';
import { pruningGradually, reallocating, shrinkingGroups, withMasks } from '../../../src/training/sparsity/hooks.ts';
import { maskDensity, staying } from '../../../src/training/sparsity/mask.ts';
import { randomMasks } from '../../../src/training/sparsity/reallocate.ts';
import { magnitude } from '../../../src/training/sparsity/saliency.ts';
import { amongAll, criterion } from '../../../src/training/sparsity/selection.ts';
import { bitsOf, layouts, STEPS_PER_EPOCH, train } from './training.ts';

const MASKS = randomMasks(layouts, 0.5, Random.seeded(1));

describe('masked training', () => {
  it.each([
    ...OPTIMIZERS.map((optimizer) => [optimizer, 'fp32'] as const),
    ['momentum', 'bf16'] as const,
    ['adam', 'bf16'] as const,
  ])(
    'keeps pruned weights and what %s keeps for them at zero in %s, and changes the others',
    (optimizer, precision) => {
      let steps = 0;
      const learningRate = optimizer === 'sag' ? 0.01 : 0.02;
      const { start, end } = train(1, withMasks(MASKS), {
        ...{ optimizer, precision, epochs: 1, learningRate },
        watch: (session) => {
          steps++;
          for (const [name, mask] of MASKS)
            for (const [kept, values] of session.checkpoint().tensors)
              if (kept === name || kept.startsWith(`${name}.`))
                mask.forEach((stays, index) => {
                  if (stays === 0 && !Object.is(values[index], 0))
                    expect.fail(`${kept}[${index}] is ${values[index]} after step ${session.step}`);
                });
        },
      });
      expect(steps).toBe(STEPS_PER_EPOCH);
      for (const [name, mask] of MASKS)
        expect([...end.tensors.get(name)!].filter((value) => value !== 0).length).toBeGreaterThan(0.8 * staying(mask));
      expect(bitsOf(end)).not.toEqual(bitsOf(start));
    },
  );

  it('refuses masks that do not fit', () => {
    expect(() => train(1, withMasks(new Map([['fc1.weight', new Uint8Array(3)]])))).toThrow(
      new InputError([{ where: 'fc1.weight', found: 'a mask of 3', remedy: 'give one for 128 weights' }]),
    );
    expect(() => train(1, withMasks(new Map([['fc9.weight', new Uint8Array(3)]])))).toThrow('fc9.weight');
  });

  it('gives the bits of dense training where nothing is pruned', () => {
    const whole = new Map([...MASKS].map(([name, mask]) => [name, mask.map(() => 1)]));
    expect(bitsOf(train(3, withMasks(whole)).end)).toEqual(bitsOf(train(3, null).end));
  });
});

describe('gradual pruning', () => {
  const schedule = { initialSparsity: 0, finalSparsity: 0.75, firstStep: 5, lastStep: 30, everySteps: 5 };

  it('ends at its share exactly, never lets a pruned weight come back, and still tells the classes', () => {
    const hooks = pruningGradually(layouts, criterion(magnitude, amongAll), schedule);
    const densities: number[] = [];
    const { end, testAccuracy } = train(1, hooks, {
      epochs: 4,
      watch: () => {
        densities.push(maskDensity(hooks.masks));
      },
    });
    expect(densities[4]).toBe(1);
    expect(densities).toEqual(densities.toSorted((left, right) => right - left));
    // 128 + 192 + 48 weights, a quarter of which stay.
    expect([...hooks.masks.values()].reduce((sum, mask) => sum + staying(mask), 0)).toBe(92);
    for (const [name, mask] of hooks.masks)
      end.tensors.get(name)!.forEach((value, index) => {
        if (mask[index] === 0) expect(value).toBe(0);
      });
    expect(testAccuracy).toBeGreaterThan(0.9);
  });

  it('gives the same masks and bits for the same seed', () => {
    const run = () => {
      const hooks = pruningGradually(layouts, criterion(magnitude, amongAll), schedule);
      const { end } = train(2, hooks);
      return [bitsOf(end), [...hooks.masks].map(([name, mask]) => [name, ...mask])];
    };
    expect(run()).toEqual(run());
  });
});

describe('dynamic sparse training', () => {
  const options = { keep: 0.25, moved: 0.2, everySteps: 4, untilStep: 33, seed: 7 };

  it('moves weights about without a change of their number, until it stops', () => {
    const hooks = reallocating(layouts, options);
    const first = JSON.stringify([...hooks.masks]);
    const seen: string[] = [];
    const { testAccuracy } = train(1, hooks, {
      epochs: 4,
      watch: () => {
        seen.push(JSON.stringify([...hooks.masks].map(([, mask]) => [...mask])));
        expect(maskDensity(hooks.masks)).toBe(92 / 368);
      },
    });
    expect(JSON.stringify([...hooks.masks])).not.toBe(first);
    expect(new Set(seen.slice(0, 32)).size).toBe(9);
    expect(new Set(seen.slice(32)).size).toBe(1);
    expect(testAccuracy).toBeGreaterThan(0.85);
  });

  it('gives the same bits for the same seed', () => {
    expect(bitsOf(train(1, reallocating(layouts, options)).end)).toEqual(
      bitsOf(train(1, reallocating(layouts, options)).end),
    );
  });
});

describe('group lasso', () => {
  it('makes whole channels exactly zero', () => {
    const [hidden] = layouts;
    const hooks = shrinkingGroups({
      layouts: [hidden!],
      biasOf: (name) => name.replace('.weight', '.bias'),
      amountAt: () => 0.006,
      inputs: false,
    });
    const { end, testAccuracy } = train(1, hooks, { epochs: 4, optimizer: 'sgd' });
    const [weight, bias] = ['fc1.weight', 'fc1.bias'].map((name) => end.tensors.get(name)!);
    let silent = 0;
    for (let output = 0; output < 16; output++) {
      const zeros = Array.from({ length: 8 }, (_, channel) => weight![channel * 16 + output]!).filter((v) => v === 0);
      expect([0, 8]).toContain(zeros.length);
      if (zeros.length === 8 && bias![output] === 0) silent++;
    }
    expect(silent).toBeGreaterThan(0);
    expect(silent).toBeLessThan(16);
    expect(testAccuracy).toBeGreaterThan(0.85);
  });

  it('refuses weights that have a master copy, which would undo it', () => {
    const hooks = shrinkingGroups({ layouts, biasOf: () => null, amountAt: () => 0.1, inputs: true });
    expect(() => train(1, hooks, { precision: 'bf16' })).toThrow(InputError);
  });
});
