import type { ChartConfiguration } from 'chart.js';
import { axis, COLORS, draw, FONT } from '../../../src/report/charts.ts';
import { improvements, type StepCost } from './costs.ts';
import { MACHINES } from './methods.ts';
import type { Training } from './training.ts';

const LINES: Readonly<Record<string, string>> = {
  SGD: COLORS.data,
  CP: COLORS.active,
  FA: COLORS.weights,
  DFA: COLORS.point,
  'mini-batch': COLORS.line,
};

export const QUANTITIES = {
  energy: { title: 'energy in mJ', of: ({ energyPj }: StepCost) => energyPj / 1e9 },
  time: { title: 'time in ms', of: ({ seconds }: StepCost) => seconds * 1e3 },
} as const;

/** Below it curves say nothing about the accuracies that people want. */
const LEAST_ACCURACY = 85;

/** What each test accuracy costs when it is first reached in any run, one line a method and machine, as PNG. */
export function chart(
  trainings: readonly Training[],
  costs: readonly StepCost[],
  quantity: keyof typeof QUANTITIES,
): Buffer {
  const { title, of } = QUANTITIES[quantity];
  const datasets = costs.flatMap((cost) => {
    const training = trainings.find(({ method }) => method === cost.method.name);
    if (training === undefined) return [];
    const color = LINES[cost.method.name]!;
    const points = improvements(training).map(({ steps, testAccuracy }) => ({
      x: 100 * testAccuracy,
      y: steps * of(cost),
    }));
    return {
      label: cost.method.batch === 1 ? cost.method.name : `${cost.method.name} of ${cost.method.batch}`,
      data: points.filter(({ x }) => x >= LEAST_ACCURACY),
      ...{ borderColor: color, backgroundColor: color, borderWidth: 3, pointRadius: 4, showLine: true },
      borderDash: cost.machine === MACHINES[0] ? [] : [8, 6],
    };
  });
  const configuration: ChartConfiguration<'scatter'> = {
    type: 'scatter',
    data: { datasets },
    options: {
      layout: { padding: 16 },
      plugins: {
        title: {
          display: true,
          text: `${trainings[0]!.network} on MNIST: ${quantity} to each accuracy (solid: ${MACHINES[0]}, dashed: ${MACHINES[1]})`,
          font: { ...FONT, size: 20 },
        },
        legend: {
          labels: { font: { ...FONT, size: 14 }, filter: ({ datasetIndex }) => datasetIndex! < datasets.length / 2 },
        },
      },
      scales: {
        x: { ...axis('test accuracy in %'), min: LEAST_ACCURACY, max: 99 },
        y: { ...axis(title), type: 'logarithmic' },
      },
    },
  };
  return draw(configuration as ChartConfiguration, 1200, 750);
}
