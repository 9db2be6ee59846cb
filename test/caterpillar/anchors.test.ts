import { describe, expect, it } from 'vitest';
import { errorOf, holds } from '../../src/validate/anchor.ts';
import type { Baseline } from '../../src/validate/baseline.ts';
import { caterpillarAnchors } from '../../src/validate/caterpillar.ts';
import { dataPath, readInput } from '../../src/files.ts';

describe('CATERPILLAR (Li and Pedram, ASAP 2017) and the linear-algebra core', () => {
  const anchors = caterpillarAnchors();

  it.each(anchors.map((anchor) => [anchor.id, anchor] as const))('%s', (_id, anchor) => {
    expect(holds(anchor), `published ${anchor.published}, predicted ${anchor.predicted}`).toBe(true);
  });

  it('utilization is over what the paper says it is over', () => {
    const utilizations = anchors.filter(({ id }) => id.endsWith('/utilization'));
    expect(utilizations.map(({ published }) => published)).toEqual([80, 90]);
    for (const anchor of utilizations) expect(anchor.predicted).toBeGreaterThan(anchor.published);
  });

  it('the kept baseline is that of this model', () => {
    const baseline = JSON.parse(readInput(dataPath('reports', 'validation.json'))) as Baseline;
    for (const anchor of anchors) expect(Math.abs(errorOf(anchor))).toBeCloseTo(baseline.errors[anchor.id]!, 2);
  });
});
