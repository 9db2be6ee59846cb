import type { ChartConfiguration } from 'chart.js';
import { axis, type Chart, COLORS, draw, FONT, logTicks } from './charts.ts';

/** Rows of a comparison, as far as charts show them. */
interface Row {
  readonly measured: number;
  readonly predicted: number;
  readonly errorPct: number;
}

const WIDTH = 1000;
const HEIGHT = 800;

/** What is compared, for people, and its unit. */
interface Subject {
  readonly what: string;
  readonly unit: string;
}

/** Predicted against measured on logarithmic axes, and the error by size of what was measured. */
export function comparisonCharts(subject: Subject, rows: readonly Row[]): Chart[] {
  return [
    { name: 'predicted.png', png: draw(predictedChart(subject, rows), WIDTH, HEIGHT) },
    { name: 'error.png', png: draw(errorChart(subject, rows), WIDTH, HEIGHT) },
  ];
}

function range(values: readonly number[]): { readonly min: number; readonly max: number } {
  return {
    min: 10 ** Math.floor(Math.log10(Math.min(...values))),
    max: 10 ** Math.ceil(Math.log10(Math.max(...values))),
  };
}

function title(text: string) {
  return { display: true, text, font: { ...FONT, size: 20 } };
}

function line(label: string, data: readonly { x: number; y: number }[]) {
  return { label, data: [...data], showLine: true, pointRadius: 0, borderColor: COLORS.line, borderWidth: 2 };
}

function predictedChart({ what, unit }: Subject, rows: readonly Row[]): ChartConfiguration {
  const limits = range(rows.flatMap(({ measured, predicted }) => [measured, predicted]));
  const { min, max } = limits;
  return {
    type: 'scatter',
    data: {
      datasets: [
        {
          label: 'rows',
          data: rows.map(({ measured, predicted }) => ({ x: measured, y: predicted })),
          backgroundColor: COLORS.data,
          pointRadius: 5,
        },
        line('equal', [
          { x: min, y: min },
          { x: max, y: max },
        ]),
      ],
    },
    options: {
      layout: { padding: 16 },
      plugins: { title: title(`${what}: predicted against measured`), legend: { labels: { font: FONT } } },
      scales: {
        x: { type: 'logarithmic', ...limits, ...axis(`measured, ${unit}`), ticks: logTicks() },
        y: { type: 'logarithmic', ...limits, ...axis(`predicted, ${unit}`), ticks: logTicks() },
      },
    },
  };
}

function errorChart({ what, unit }: Subject, rows: readonly Row[]): ChartConfiguration {
  const limits = range(rows.map(({ measured }) => measured));
  return {
    type: 'scatter',
    data: {
      datasets: [
        {
          label: 'rows',
          data: rows.map(({ measured, errorPct }) => ({ x: measured, y: errorPct })),
          backgroundColor: COLORS.point,
          pointRadius: 5,
        },
        line('no error', [
          { x: limits.min, y: 0 },
          { x: limits.max, y: 0 },
        ]),
      ],
    },
    options: {
      layout: { padding: 16 },
      plugins: { title: title(`${what}: error by size`), legend: { labels: { font: FONT } } },
      scales: {
        x: { type: 'logarithmic', ...limits, ...axis(`measured, ${unit}`), ticks: logTicks() },
        y: axis('error, percent of the measurement'),
      },
    },
  };
}
