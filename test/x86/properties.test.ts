import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { boundsOf } from '../../src/models/x86/bounds.ts';
import { predict, prepare, run } from '../../src/models/x86/predict.ts';
import { loadCore } from '../../src/x86-core.ts';

const SEED = 20261121;
const core = loadCore('cascadelake', []);

/** Instructions of every kind: arithmetic, chains, loads, stores, vectors, divisions, wide and narrow. */
const INSTRUCTIONS = [
  '4801c8',
  '480fafc1',
  '488d440b08',
  '48d3e0',
  '0f94c0',
  '480f44c1',
  '488b03',
  '48890b',
  '488b4c2408',
  '50',
  '58',
  '4883c308',
  'c5f858c1',
  'c5fc59c2',
  'c5f96fc1',
  'c5f857c0',
  'c5fc1003',
  'c5fc1103',
  '62f17548fec2',
  'c4e26940cb',
  'f20f5ec1',
  '90',
  '0f1f840000000000',
  '49b88877665544332211',
  '0fb6c1',
  '88c8',
  'c4e27d18c1',
  '660f6ec8',
  '660f7ec0',
];
const block = fc.array(fc.constantFrom(...INSTRUCTIONS), { minLength: 1, maxLength: 12 }).map((some) => some.join(''));
const mode = fc.constantFrom('unrolled' as const, 'loop' as const);

describe('random blocks', () => {
  it('folded is as simulated to the end, and the same twice', () => {
    fc.assert(
      fc.property(block, mode, (hex, how) => {
        const prepared = prepare(bytesOfHex(hex), how, core);
        const folded = run(prepared, core, false);
        const whole = run(prepared, core, true);
        expect(folded.retired).toEqual(whole.retired);
        expect(folded.period).toEqual(whole.period);
        expect(predict(prepare(bytesOfHex(hex), how, core), core)).toEqual(predict(prepared, core));
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('never beat issue width, two loads and one store a cycle, or 16 bytes of code', () => {
    fc.assert(
      fc.property(block, mode, (hex, how) => {
        const bytes = bytesOfHex(hex);
        const { program, ...prepared } = prepare(bytes, how, core);
        const { cyclesPerIteration } = predict({ program, ...prepared }, core);
        const count = (kind: string): number => program.uops.filter((uop) => uop.kind === kind).length;
        const least = Math.max((program.slotStart.length - 1) / 4, count('load') / 2, count('store-data'));
        // The queues in front of what limits may drain a little over a finite run.
        expect(cyclesPerIteration * 1.02).toBeGreaterThanOrEqual(least);
        if (how === 'unrolled') expect(cyclesPerIteration * 1.02).toBeGreaterThanOrEqual(bytes.length / 16);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('are never faster than any of the bounds that are reported', () => {
    fc.assert(
      fc.property(block, mode, (hex, how) => {
        const prepared = prepare(bytesOfHex(hex), how, core);
        const { cyclesPerIteration, portUops } = predict(prepared, core);
        const { cycles } = boundsOf(prepared, portUops, core.spec);
        // The queues in front of what limits may drain a little over a finite run.
        for (const [name, bound] of Object.entries(cycles))
          expect(cyclesPerIteration * 1.02 + 0.02, `${name} of ${hex} (${how})`).toBeGreaterThanOrEqual(bound);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('do not get better in what is done in order by one more instruction', () => {
    fc.assert(
      fc.property(block, fc.constantFrom(...INSTRUCTIONS), mode, (hex, more, how) => {
        const boundsFor = (code: string) => {
          const prepared = prepare(bytesOfHex(code), how, core);
          return boundsOf(prepared, predict(prepared, core).portUops, core.spec).cycles;
        };
        const [before, after] = [boundsFor(hex), boundsFor(hex + more)];
        for (const name of ['issue', 'retirement'])
          expect(after[name]! + 1e-9, `${name} of ${hex} + ${more} (${how})`).toBeGreaterThanOrEqual(before[name]!);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  it('are at least as slow as their longest dependence chain', () => {
    const chains = fc.constantFrom('480fafc0', '4801c0', 'f20f59c0', '488b00');
    fc.assert(
      fc.property(chains, fc.integer({ min: 1, max: 6 }), mode, (hex, times, how) => {
        const prepared = prepare(bytesOfHex(hex.repeat(times)), how, core);
        const { cyclesPerIteration, portUops } = predict(prepared, core);
        const { cycles, bottleneck } = boundsOf(prepared, portUops, core.spec);
        expect(cyclesPerIteration).toBeCloseTo(cycles['dependence chain']!, 6);
        if (times > 1) expect(bottleneck).toBe('dependence chain');
      }),
      { seed: SEED, numRuns: 40 },
    );
  });
});
