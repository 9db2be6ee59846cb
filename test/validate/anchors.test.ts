import { describe, expect, it } from 'vitest';
import { dataPath, readInput } from '../../src/files.ts';
import { errorOf, holds } from '../../src/validate/anchor.ts';
import type { Baseline } from '../../src/validate/baseline.ts';
import { kendallTau, median } from '../../src/validate/metrics.ts';
import { meanThroughputError, validate } from '../../src/validate/run.ts';

describe('TPU v1 (Jouppi et al., ISCA 2017)', () => {
  const { anchors } = validate('tpuv1', null);

  it('six applications: mean throughput error at most 8 %, the bar the authors own model set with 8.2 %', () => {
    expect(meanThroughputError(anchors)).toBeLessThanOrEqual(8);
  });

  it.each(anchors.map((anchor) => [anchor.id, anchor] as const))('%s', (_id, anchor) => {
    expect(
      holds(anchor),
      `published ${anchor.published}, predicted ${anchor.predicted}, error ${errorOf(anchor)}`,
    ).toBe(true);
  });

  it('the kept baseline is that of this model', () => {
    const baseline = JSON.parse(readInput(dataPath('reports', 'validation.json'))) as Baseline;
    for (const anchor of anchors) expect(Math.abs(errorOf(anchor))).toBeCloseTo(baseline.errors[anchor.id]!, 2);
  });

  it('a baseline better than the model makes validation fail', () => {
    const { failures } = validate('tpuv1', { errors: { 'tpuv1-mlp1/throughput': 1 }, accuracy: {} });
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain('mlp1 throughput: error grew from 1.00');
  });
});

describe('SCALE-Sim', () => {
  it('has exactly its compute cycles in every kept row', () => {
    const { scalesim } = validate('scalesim', null);
    expect(scalesim.rows).toBe(769);
    expect(scalesim.exact).toBe(scalesim.rows);
  });
});

describe('metrics', () => {
  it('Kendall tau of known orders', () => {
    expect(kendallTau([1, 2, 3, 4], [10, 20, 30, 40])).toBe(1);
    expect(kendallTau([1, 2, 3, 4], [4, 3, 2, 1])).toBe(-1);
    // Pairs: 12+ 13+ 14+ 23- 24+ 34+ of 6: (5 - 1) / 6.
    expect(kendallTau([1, 2, 3, 4], [1, 3, 2, 4])).toBeCloseTo(4 / 6);
  });

  it('median of even and odd lists', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});
