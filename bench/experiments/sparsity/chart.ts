import type { ChartConfiguration } from 'chart.js';
import { axis, COLORS, draw, FONT } from '../../../src/report/charts.ts';
import { meanCurve } from './means.ts';
import { LABELS, type Run } from './runs.ts';

const LINES = [
  [LABELS.dense, COLORS.line],
  [LABELS.ticket, COLORS.active],
  [LABELS.random, COLORS.point],
  [LABELS.pruned, COLORS.data],
  [LABELS.longer, COLORS.other],
] as const;

/** Mean test accuracy over the epochs, as PNG. */
export function chart(runs: readonly Run[], seeds: number): Buffer {
  const datasets = LINES.map(([label, color]) => {
    const share = runs.find((run) => run.label === label)!.keptShare;
    return {
      label: `${label} (${(100 * share).toFixed(0)} % of the weights)`,
      data: meanCurve(runs, label).map(({ epoch, testAccuracy }) => ({ x: epoch, y: 100 * testAccuracy })),
      ...{ borderColor: color, backgroundColor: color, borderWidth: 3, pointRadius: 4, showLine: true },
    };
  });
  const text = `Sparse training of LeNet-300-100 on MNIST, mean of ${seeds} seeds`;
  const configuration: ChartConfiguration<'scatter'> = {
    type: 'scatter',
    data: { datasets },
    options: {
      layout: { padding: 16 },
      plugins: {
        title: { display: true, text, font: { ...FONT, size: 20 } },
        legend: { labels: { font: { ...FONT, size: 14 } } },
      },
      scales: { x: { ...axis('epoch'), min: 0 }, y: axis('test accuracy in %') },
    },
  };
  return draw(configuration as ChartConfiguration, 1200, 750);
}
