import type { ChartConfiguration } from 'chart.js';
import { axis, type Chart, COLORS, draw, FONT } from './charts.ts';
import type { TrainingReport } from './training.ts';

/** Loss, and accuracy on both sets, over the epochs. */
export function renderTrainingChart(report: TrainingReport): Chart {
  const { epochs, network, dataset, batch, precision, optimizer } = report;
  const line = (label: string, color: string, yAxisID: string, data: number[]) => ({
    label,
    data,
    yAxisID,
    borderColor: color,
    backgroundColor: color,
    borderWidth: 3,
    pointRadius: epochs.length > 30 ? 0 : 4,
  });
  const configuration: ChartConfiguration<'line'> = {
    type: 'line',
    data: {
      labels: epochs.map((_, index) => index + 1),
      datasets: [
        line(
          'loss',
          COLORS.other,
          'loss',
          epochs.map((epoch) => epoch.loss),
        ),
        line(
          'training accuracy',
          COLORS.data,
          'accuracy',
          epochs.map((epoch) => 100 * epoch.trainAccuracy),
        ),
        line(
          'test accuracy',
          COLORS.point,
          'accuracy',
          epochs.map((epoch) => 100 * epoch.testAccuracy),
        ),
      ],
    },
    options: {
      layout: { padding: 16 },
      plugins: {
        title: {
          display: true,
          text: `${network} on ${dataset} (batch ${batch}, ${precision}, ${optimizer})`,
          font: { ...FONT, size: 20 },
        },
        legend: { labels: { font: FONT } },
      },
      scales: {
        x: axis('epoch'),
        loss: { ...axis('loss'), position: 'right', beginAtZero: true, grid: { display: false } },
        accuracy: { ...axis('accuracy in %'), position: 'left' },
      },
    },
  };
  return { name: 'training.png', png: draw(configuration as ChartConfiguration, 1100, 700) };
}
