import type { LogarithmicScaleOptions } from 'chart.js';
import { expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { rooflineChart } from '../../src/report/charts.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace } from '../../src/workload/load.ts';

it.each(['x', 'y'])('the %s axis of a roofline has labels at both ends', (axis) => {
  const trace = loadTrace('lenet-300-100', { phase: 'training', batch: 16 }, 'fp16');
  const { report } = simulate(loadMachine('caterpillar-2x16', [], SCHEMAS), trace);
  const { min, max, ticks } = rooflineChart(report).options!.scales![axis] as LogarithmicScaleOptions;
  const label = ticks.callback as unknown as (value: number | undefined) => string;
  expect(Math.log10(min!)).toBeLessThan(Math.log10(max!));
  expect([label(min), label(max)]).not.toContain('');
});
