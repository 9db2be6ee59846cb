import { describe, expect, it } from 'vitest';
import { energyFactor, energyScale } from '../../src/energy/scaling.ts';

describe('energy scaling between nodes', () => {
  it("gives the authors' published example: 1 pJ at 65 nm and 1.3 V is 0.1755 pJ at 32 nm and 0.9 V", () => {
    expect(energyFactor(32, 0.9)).toBeCloseTo(0.4571, 4);
    expect(energyFactor(65, 1.3)).toBeCloseTo(2.604, 3);
    // The authors print 0.1755, cut off after four digits.
    const ratio = energyFactor(32, 0.9) / energyFactor(65, 1.3);
    expect(ratio).toBeGreaterThanOrEqual(0.1755);
    expect(ratio).toBeLessThan(0.1756);
  });

  it('scales 45 nm to tabulated nodes', () => {
    // 45 nm, 0.9 V: 1.018 x 0.81 - 0.3107 x 0.9 + 0.1539 = 0.69885; 16 nm, 0.8 V: 0.2958 x 0.64 - 0.1241 x 0.8 + 0.03024 = 0.120272
    expect(energyScale(45, 16)).toBeCloseTo(0.120272 / 0.69885, 6);
    expect(energyScale(45, 45)).toBe(1);
    expect(energyScale(16, 45) * energyScale(45, 16)).toBeCloseTo(1, 12);
  });

  it('joins nodes by a power law: 28 nm lies between 32 nm (0.457137) and 20 nm (0.20079)', () => {
    // share = ln(32/28) / ln(32/20) = 0.28411; 0.457137 x (0.20079/0.457137)^0.28411 = 0.361854
    expect(energyScale(45, 28)).toBeCloseTo(0.361854 / 0.69885, 4);
  });

  it('falls with every node', () => {
    const factors = [90, 65, 45, 40, 32, 28, 22, 20, 16, 14, 12, 10, 8, 7].map((nm) => energyScale(90, nm));
    for (let index = 1; index < factors.length; index++) expect(factors[index]).toBeLessThan(factors[index - 1]!);
  });

  it.each([5, 180])('refuses %d nm', (nm) => {
    expect(() => energyScale(45, nm)).toThrow(/covers 7 to 90 nm/);
  });
});
