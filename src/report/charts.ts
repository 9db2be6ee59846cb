import type { ChartConfiguration } from 'chart.js';
import { ChartJSNodeCanvas } from 'chartjs-node-canvas';
import { groupOf } from './causes.ts';
import { bytes, joules, percent, si } from './format.ts';
import type { Report } from './report.ts';
import { shownOps } from './table.ts';

export interface Chart {
  readonly name: string;
  readonly png: Buffer;
}

/** Okabe and Ito's palette: told apart with any colour vision. */
export const COLORS = {
  active: '#009E73',
  weights: '#E69F00',
  data: '#0072B2',
  other: '#999999',
  point: '#D55E00',
  line: '#444444',
} as const;
export const FONT = { family: 'sans-serif', size: 16 } as const;
const LAYERS_SHOWN = 48;

/** Charts of one run as PNG files: where cycles went by layer, the roofline, energy by component. */
export function renderCharts(report: Report): Chart[] {
  return [
    {
      name: 'cycles.png',
      png: draw(cyclesChart(report), 1400, Math.max(420, 150 + 24 * shownOps(report, LAYERS_SHOWN).ops.length)),
    },
    { name: 'roofline.png', png: draw(rooflineChart(report), 1100, 750) },
    { name: 'energy.png', png: draw(energyChart(report), 1100, 520) },
  ];
}

/** A chart as PNG. */
export function draw(configuration: ChartConfiguration, width: number, height: number): Buffer {
  return new ChartJSNodeCanvas({ width, height, backgroundColour: 'white' }).renderToBufferSync(configuration);
}

function title(report: Report, what: string) {
  const { workload, arch } = report;
  return {
    display: true,
    text: `${what}: ${workload.name} on ${arch.name} (batch ${workload.batch}, ${workload.precision})`,
    font: { ...FONT, size: 20 },
  };
}

export function axis(text: string) {
  return { title: { display: true, text, font: FONT }, ticks: { font: { ...FONT, size: 14 } } };
}

function cyclesChart(report: Report): ChartConfiguration {
  const { ops, leftOut } = shownOps(report, LAYERS_SHOWN);
  const stalled = (group: string) =>
    ops.map((op) =>
      Object.entries(op.stallCycles).reduce((sum, [cause, cycles]) => sum + (groupOf(cause) === group ? cycles : 0), 0),
    );
  const series = [
    { label: 'computing', data: ops.map((op) => op.activeCycles), backgroundColor: COLORS.active },
    { label: 'weights', data: stalled('weights'), backgroundColor: COLORS.weights },
    { label: 'other data', data: stalled('data'), backgroundColor: COLORS.data },
    { label: 'other waits', data: stalled('other'), backgroundColor: COLORS.other },
  ];
  const more = leftOut > 0 ? ` (${ops.length} of ${ops.length + leftOut} layers)` : '';
  return {
    type: 'bar',
    data: { labels: ops.map((op) => op.name), datasets: series },
    options: {
      indexAxis: 'y',
      layout: { padding: 16 },
      plugins: { title: title(report, `Where cycles went${more}`), legend: { labels: { font: FONT } } },
      scales: {
        x: {
          stacked: true,
          ...axis('cycles'),
          ticks: { font: { ...FONT, size: 14 }, callback: (value) => si(Number(value)) },
        },
        y: { stacked: true, ticks: { font: { ...FONT, size: 13 }, autoSkip: false } },
      },
    },
  };
}

/** Attained against attainable speed, on axes that begin and end at powers of ten, which are labelled. */
export function rooflineChart(report: Report): ChartConfiguration {
  const { roofline } = report;
  const { peakMacsPerCycle: peak, bytesPerCycle } = roofline;
  const ridge = peak / bytesPerCycle;
  const points = roofline.ops.map((op) => ({ x: op.macsPerByte, y: op.attainedMacsPerCycle }));
  const xs = [...points.map((point) => point.x), roofline.macsPerByte, ridge].filter((x) => x > 0);
  const low = 10 ** Math.floor(Math.log10(Math.min(...xs)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...xs) * 2));
  const lowest = Math.min(low * bytesPerCycle, ...points.map((point) => point.y));
  const early = points.some(({ x, y }) => y > 1.01 * Math.min(peak, x * bytesPerCycle));
  return {
    type: 'scatter',
    data: {
      datasets: [
        {
          label: `limit: ${si(peak)} MAC per cycle, ${bytes(bytesPerCycle)} per cycle, ridge at ${si(Math.round(ridge))}`,
          data: [
            { x: low, y: low * bytesPerCycle },
            { x: ridge, y: peak },
            { x: high, y: peak },
          ],
          showLine: true,
          pointRadius: 0,
          borderColor: COLORS.line,
          borderWidth: 3,
          backgroundColor: COLORS.line,
        },
        {
          label: early ? 'layers (above the limit: fetched weights ahead)' : 'layers',
          data: points,
          backgroundColor: COLORS.data,
          pointRadius: 6,
        },
        {
          label: 'whole run',
          data: [{ x: roofline.macsPerByte, y: roofline.attainedMacsPerCycle }],
          backgroundColor: COLORS.point,
          pointRadius: 10,
          pointStyle: 'triangle',
        },
      ],
    },
    options: {
      layout: { padding: 16 },
      plugins: { title: title(report, 'Roofline'), legend: { labels: { font: FONT } } },
      scales: {
        x: {
          type: 'logarithmic',
          min: low,
          max: high,
          ...axis(`MAC per byte of ${roofline.memory}`),
          ticks: logTicks(),
        },
        y: {
          type: 'logarithmic',
          min: 10 ** Math.floor(Math.log10(lowest)),
          max: 10 ** Math.ceil(Math.log10(peak * 1.01)),
          ...axis('MAC per cycle'),
          ticks: logTicks(),
        },
      },
    },
  };
}

/** A power of ten in as few characters as it takes: 0.001, 10, 1 k. */
function powerOfTen(value: number): string {
  return value < 1000 ? String(Number(value.toPrecision(1))) : si(value).replace(/\.0+(?= )/, '');
}

/** Labels at powers of ten only. */
export function logTicks() {
  return {
    font: { ...FONT, size: 14 },
    callback: (value: string | number): string =>
      Number.isInteger(Math.round(Math.log10(Number(value)) * 1e9) / 1e9) ? powerOfTen(Number(value)) : '',
  };
}

function energyChart(report: Report): ChartConfiguration {
  const { totals } = report;
  const parts = Object.entries(totals.energyPjByComponent)
    .filter(([, pj]) => pj > 0)
    .sort((left, right) => right[1] - left[1]);
  return {
    type: 'bar',
    data: {
      labels: parts.map(([name, pj]) => `${name}  ${percent(pj / totals.energyPj)}`),
      datasets: [{ label: 'energy', data: parts.map(([, pj]) => pj / 1e9), backgroundColor: COLORS.data }],
    },
    options: {
      indexAxis: 'y',
      layout: { padding: 16 },
      plugins: {
        title: title(report, `Energy by component, ${joules(totals.energyPj)} in all`),
        legend: { display: false },
      },
      scales: { x: axis('energy in mJ'), y: { ticks: { font: FONT } } },
    },
  };
}
