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

interface Column {
  readonly head: string;
  readonly width: number;
  readonly cell: (op: OpReport) => string;
  /** Text starts at the left; numbers end at the right. */
  readonly left?: boolean;
}

/** Shortest and longest bar worth drawing, in marks. */
const BAR = { least: 12, most: 30 };

/** Columns of the table; on a narrow terminal the bar shrinks first, then counts that the others imply are left out. */
function opColumns(report: Report, ops: readonly OpReport[], width: number, paint: Paint): Column[] {
  const { memory } = report.roofline;
  const name = Math.min(width < 100 ? 18 : 28, Math.max(8, ...ops.map((op) => op.name.length)));
  const before: Column[] = [
    { head: 'layer', width: name, left: true, cell: (op) => clip(op.name, name) },
    { head: 'cycles', width: 8, cell: (op) => si(op.cycles) },
    { head: 'share', width: 7, cell: (op) => percent(op.cycles / report.totals.cycles) },
    { head: 'MACs', width: 8, cell: (op) => si(op.macs) },
  ];
  const after: Column[] = [
    { head: 'util', width: 7, cell: (op) => percent(op.utilization) },
    { head: 'bound', width: 13, left: true, cell: (op) => op.bound },
    { head: memory, width: Math.max(10, memory.length), cell: (op) => trafficOf(op, memory) },
  ];
  const space = (): number => width - [...before, ...after].reduce((sum, column) => sum + column.width + 2, 0);
  while (space() < BAR.least && before.length > 2) before.pop();
  const marks = Math.max(BAR.least, Math.min(BAR.most, space()));
  const cell = (op: OpReport): string => bar(op.activeCycles, op.stallCycles, marks, paint);
  const head = marks < 17 ? 'cycles went' : 'where cycles went';
  return [...before, { head, width: marks, left: true, cell }, ...after];
}

function opLines(report: Report, options: TableOptions, paint: Paint): string[] {
  const { ops, leftOut } = shownOps(report, options.top);
  const columns = opColumns(report, ops, options.width, paint);
  // Bars are exactly as wide as their column; their colour codes must not count.
  const pad = (text: string, { width, left }: Column): string =>
    text.length >= width ? text : left === true ? text.padEnd(width) : text.padStart(width);
  const line = (cellOf: (column: Column) => string): string =>
    columns
      .map((column) => pad(cellOf(column), column))
      .join('  ')
      .trimEnd();
  const head = line((column) => column.head);
  const rest = leftOut > 0 ? [`... and ${leftOut} more layers with fewer cycles (--top 0 shows all)`] : [];
  return [head, '-'.repeat(head.length), ...ops.map((op) => line((column) => column.cell(op))), ...rest];
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

/** Nothing for machines that have no such counters. */
function counterLines({ countersPct }: Report, bold: (text: string) => string): string[] {
  const counters = Object.entries(countersPct);
  if (counters.length === 0) return [];
  const texts = counters.map(([name, pct]) => `${(COUNTER_TEXT[name] ?? name).trim()} ${pct.toFixed(1)}`);
  return [bold('Counters, percent of cycles (as Jouppi 2017, Table 3)'), `  ${texts.join(' | ')}`, ''];
}

/** The report for a terminal. */
export function renderTable(report: Report, options: TableOptions): string {
  const { bold, dim } = pc.createColors(options.colors);
  const paint = painter(options.colors);
  const { totals, workload, arch } = report;
  const row = (label: string, value: string): string => `  ${label.padEnd(22)}${value}`;
  const changes = Object.entries(arch.overrides).map(([path, value]) => `${path}=${JSON.stringify(value)}`);
  const legend = `${paint('#', 'active')} computing  ${paint('w', 'weights')} weights  ${paint('d', 'data')} other data  ${paint('.', 'other')} other waits, named below`;
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
      `${percent(totals.utilization)}   ${si(totals.macs - totals.savedMacs, 'MAC')} of ${si(totals.cycles * totals.peakMacsPerCycle, 'MAC')} possible`,
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
    ...counterLines(report, bold),
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
  const { sources, fittedConstants } = report.arch;
  const counts = Object.entries(sources).map(([kind, count]) => {
    const together = kind === 'fitted' && count > fittedConstants;
    return `${count} ${kind}${together ? ` as ${fittedConstants} ${fittedConstants === 1 ? 'constant' : 'constants'}` : ''}`;
  });
  return `The machine's numbers: ${counts.join(', ')} (accsim show ${report.arch.name}).`;
}
