import pc from 'picocolors';
import { CAUSE_TEXT, type CauseGroup, groupOf } from './causes.ts';
import { bytes, joules, percent, seconds, si } from './format.ts';
import type { OpReport, Report } from './report.ts';

export interface TableOptions {
  readonly colors: boolean;
  readonly width: number;
  /** Ops shown, those with most cycles; null: all. */
  readonly top: number | null;
}

const MARKS: Readonly<Record<CauseGroup, string>> = { active: '#', weights: 'w', data: 'd', other: '.' };

type Paint = (text: string, group: CauseGroup) => string;

function painter(colors: boolean): Paint {
  const { green, yellow, blue, gray } = pc.createColors(colors);
  const paints = { active: green, weights: yellow, data: blue, other: gray };
  return (text, group) => paints[group](text);
}

/** A bar of `width` marks, one group after the other, by largest remainder so that it is always full. */
function bar(active: number, stalls: Readonly<Record<string, number>>, width: number, paint: Paint): string {
  const parts: Record<CauseGroup, number> = { active, weights: 0, data: 0, other: 0 };
  for (const [cause, cycles] of Object.entries(stalls)) parts[groupOf(cause)] += cycles;
  const total = Object.values(parts).reduce((sum, value) => sum + value, 0);
  if (total === 0) return ' '.repeat(width);
  const groups = Object.keys(parts) as CauseGroup[];
  const exact = groups.map((group) => (parts[group] / total) * width);
  const marks = exact.map(Math.floor);
  const byRest = groups
    .map((_, index) => index)
    .sort((left, right) => exact[right]! - marks[right]! - (exact[left]! - marks[left]!));
  let missing = width - marks.reduce((sum, value) => sum + value, 0);
  for (const index of byRest) if (missing-- > 0) marks[index]!++;
  return groups.map((group, index) => paint(MARKS[group].repeat(marks[index]!), group)).join('');
}

function clip(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}~`;
}

function trafficOf(op: OpReport, memory: string): string {
  const traffic = op.trafficBytes[memory];
  return traffic === undefined ? '-' : bytes(traffic.read + traffic.write);
}

/** The ops to show in program order, and how many are left out. */
export function shownOps(report: Report, top: number | null): { ops: readonly OpReport[]; leftOut: number } {
  const timed = report.ops.filter((op) => op.cycles > 0);
  if (top === null || timed.length <= top) return { ops: timed, leftOut: 0 };
  const most = new Set([...timed].sort((left, right) => right.cycles - left.cycles).slice(0, top));
  return { ops: timed.filter((op) => most.has(op)), leftOut: timed.length - top };
}

function opLines(report: Report, options: TableOptions, paint: Paint): string[] {
  const { ops, leftOut } = shownOps(report, options.top);
  const nameWidth = Math.min(28, Math.max(8, ...ops.map((op) => op.name.length)));
  const fixed = nameWidth + 9 + 8 + 8 + 14 + 11 + 6;
  const barWidth = Math.max(8, Math.min(30, options.width - fixed - 2));
  const head = `${'layer'.padEnd(nameWidth)}${'cycles'.padStart(9)}${'share'.padStart(8)}${'MACs'.padStart(9)}  ${'where cycles went'.padEnd(barWidth)}${'util'.padStart(8)}  ${'bound'.padEnd(14)}${report.roofline.memory.padStart(12).slice(-12)}`;
  const lines = ops.map((op) => {
    const share = percent(op.cycles / report.totals.cycles);
    return (
      `${clip(op.name, nameWidth)}${si(op.cycles).padStart(9)}${share.padStart(8)}${si(op.macs).padStart(9)}  ${bar(op.activeCycles, op.stallCycles, barWidth, paint)}` +
      `${percent(op.utilization).padStart(8)}  ${op.bound.padEnd(14)}${trafficOf(op, report.roofline.memory).padStart(12)}`
    );
  });
  const rest = leftOut > 0 ? [`... and ${leftOut} more layers with fewer cycles (--top 0 shows all)`] : [];
  return [head, '-'.repeat(Math.min(options.width, head.length)), ...lines, ...rest];
}

const COUNTER_TEXT: Readonly<Record<string, string>> = {
  arrayActive: 'array active',
  usefulMacs: '  useful MACs',
  unusedMacs: '  unused MACs',
  weightStall: 'weight stall',
  weightShift: 'weight shift',
  nonMatrix: 'non-matrix',
  rawStall: '  RAW stall',
  inputStall: '  input stall',
};

/** The report for a terminal. */
export function renderTable(report: Report, options: TableOptions): string {
  const { bold, dim } = pc.createColors(options.colors);
  const paint = painter(options.colors);
  const { totals, workload, arch } = report;
  const row = (label: string, value: string): string => `  ${label.padEnd(22)}${value}`;
  const changes = Object.entries(arch.overrides).map(([path, value]) => `${path}=${JSON.stringify(value)}`);
  const legend = `${paint('#', 'active')} computing  ${paint('w', 'weights')} weights  ${paint('d', 'data')} other data  ${paint('.', 'other')} synchronising, vector work, fill and drain`;
  const stalls = Object.entries(totals.stallCycles).sort((left, right) => right[1] - left[1]);
  const energy = Object.entries(totals.energyPjByComponent).sort((left, right) => right[1] - left[1]);
  const lines = [
    bold(`${workload.name} on ${arch.name}`) +
      `  ${workload.phase}, batch ${workload.batch}, ${workload.precision}${changes.length > 0 ? `, ${changes.join(', ')}` : ''}`,
    '',
    ...opLines(report, options, paint),
    dim(legend),
    '',
    bold('Totals'),
    row('time', `${seconds(totals.seconds)}   ${si(totals.cycles)} cycles at ${si(totals.clockHz, 'Hz')}`),
    row(
      'throughput',
      `${si(totals.samplesPerSecond)} samples/s   ${((2 * totals.macs) / totals.seconds / 1e12).toFixed(2)} TOPS (2 per MAC)`,
    ),
    row(
      'MAC utilization',
      `${percent(totals.utilization)}   ${si(totals.macs, 'MAC')} of ${si(totals.cycles * totals.peakMacsPerCycle, 'MAC')} possible`,
    ),
    row(
      'energy',
      `${joules(totals.energyPj)}   ${joules(totals.energyPj / workload.batch)} a sample   average power ${totals.averagePowerW.toPrecision(3)} W`,
    ),
    row(
      'roofline',
      `${si(report.roofline.macsPerByte)} MAC per ${report.roofline.memory} byte; the ridge is at ${si(report.roofline.peakMacsPerCycle / report.roofline.bytesPerCycle)}`,
    ),
    '',
    bold('Where the cycles went'),
    row('computing', `${percent(totals.activeCycles / totals.cycles).padStart(7)}   ${si(totals.activeCycles)}`),
    ...stalls.map(([cause, cycles]) =>
      row(
        cause,
        `${percent(cycles / totals.cycles).padStart(7)}   ${si(cycles).padEnd(9)} ${dim(CAUSE_TEXT[cause as keyof typeof CAUSE_TEXT])}`,
      ),
    ),
    '',
    bold('Counters, percent of cycles (as Jouppi 2017, Table 3)'),
    `  ${Object.entries(report.countersPct)
      .map(([name, pct]) => `${(COUNTER_TEXT[name] ?? name).trim()} ${pct.toFixed(1)}`)
      .join(' | ')}`,
    '',
    bold('Memory traffic'),
    ...Object.entries(totals.trafficBytes).map(([name, traffic]) =>
      row(
        name,
        `read ${bytes(traffic.read).padStart(10)}   written ${bytes(traffic.write).padStart(10)}${peak(report, name)}`,
      ),
    ),
    '',
    bold('Energy'),
    ...energy
      .filter(([, pj]) => pj > 0)
      .map(([name, pj]) => row(name, `${percent(pj / totals.energyPj).padStart(7)}   ${joules(pj)}`)),
    '',
    ...report.notes.map((note) => `Note: ${note}`),
    accuracyLine(report),
    sourcesLine(report),
  ];
  return `${lines.join('\n')}\n`;
}

function peak(report: Report, name: string): string {
  const use = report.totals.peakUseBytes[name];
  return use === undefined ? '' : `   peak use ${bytes(use)}`;
}

export function accuracyLine(report: Report): string {
  const { anchors, meanAbsErrorPct, note } = report.accuracy;
  return meanAbsErrorPct === null
    ? `Accuracy: ${note}`
    : `Accuracy: mean error ${meanAbsErrorPct.toFixed(1)} % over ${anchors} published figures. ${note}`;
}

export function sourcesLine(report: Report): string {
  const counts = Object.entries(report.arch.sources).map(([kind, count]) => `${count} ${kind}`);
  return `The machine's numbers: ${counts.join(', ')} (accsim show ${report.arch.name}).`;
}
