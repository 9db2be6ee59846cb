import { percent, seconds, si } from './format.ts';
import type { Report } from './report.ts';
import { accuracyLine, shownOps, sourcesLine } from './table.ts';

function field(value: string | number): string {
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvLines(rows: readonly (readonly (string | number)[])[]): string {
  return `${rows.map((row) => row.map(field).join(',')).join('\n')}\n`;
}

/** One row an op, then one row `TOTAL`; bytes are those of the off-chip memory. */
export function renderCsv(report: Report): string {
  const causes = Object.keys(report.totals.stallCycles);
  const { memory } = report.roofline;
  const traffic = (bytes: Report['totals']['trafficBytes']): number[] => [
    bytes[memory]?.read ?? 0,
    bytes[memory]?.write ?? 0,
  ];
  const head = [
    'id',
    'name',
    'kind',
    'phase',
    'startCycle',
    'cycles',
    'activeCycles',
    'macs',
    'utilization',
    'bound',
    `${memory}ReadBytes`,
    `${memory}WriteBytes`,
    'energyPj',
    ...causes,
  ];
  const ops = report.ops.map((op) => [
    op.id,
    op.name,
    op.kind,
    op.phase,
    op.startCycle,
    op.cycles,
    op.activeCycles,
    op.macs,
    op.utilization,
    op.bound,
    ...traffic(op.trafficBytes),
    op.energyPj,
    ...causes.map((cause) => op.stallCycles[cause] ?? 0),
  ]);
  const { totals } = report;
  const total = [
    'TOTAL',
    report.workload.name,
    '',
    report.workload.phase,
    0,
    totals.cycles,
    totals.activeCycles,
    totals.macs,
    totals.utilization,
    '',
    ...traffic(totals.trafficBytes),
    totals.energyPj,
    ...causes.map((cause) => totals.stallCycles[cause] ?? 0),
  ];
  return csvLines([head, ...ops, total]);
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map((_, index) => (index === 0 ? '---' : '---:')).join('|')}|`, ...rows.map(line)].join(
    '\n',
  );
}

export function renderMarkdown(report: Report, top: number | null): string {
  const { totals, workload, arch } = report;
  const { ops, leftOut } = shownOps(report, top);
  const rows = ops.map((op) => [
    op.name,
    si(op.cycles),
    percent(op.cycles / totals.cycles),
    si(op.macs),
    percent(op.utilization),
    op.bound,
  ]);
  const facts: [string, string][] = [
    ['time', seconds(totals.seconds)],
    ['cycles', String(totals.cycles)],
    ['samples/s', si(totals.samplesPerSecond)],
    ['MAC utilization', percent(totals.utilization)],
    ['energy', `${(totals.energyPj / 1e9).toPrecision(3)} mJ`],
    ['average power', `${totals.averagePowerW.toPrecision(3)} W`],
    ...Object.entries(totals.stallCycles).map(([cause, cycles]): [string, string] => [
      cause,
      percent(cycles / totals.cycles),
    ]),
  ];
  return [
    `# ${workload.name} on ${arch.name}`,
    '',
    `${workload.phase}, batch ${workload.batch}, ${workload.precision}`,
    '',
    markdownTable(['total', 'value'], facts),
    '',
    markdownTable(['layer', 'cycles', 'share', 'MACs', 'utilization', 'bound'], rows),
    '',
    ...(leftOut > 0 ? [`${leftOut} more layers with fewer cycles.`, ''] : []),
    ...report.notes.map((note) => `- ${note}`),
    accuracyLine(report),
    '',
    sourcesLine(report),
    '',
  ].join('\n');
}

/** Several machines side by side on one trace. */
export function comparisonRows(reports: readonly Report[]): { head: string[]; rows: string[][] } {
  const head = ['', ...reports.map((report) => report.arch.name)];
  const line = (label: string, value: (report: Report) => string): string[] => [label, ...reports.map(value)];
  const mainStall = (report: Report): string => {
    const most = Object.entries(report.totals.stallCycles).sort((left, right) => right[1] - left[1])[0];
    return most === undefined || most[1] < report.totals.activeCycles
      ? 'compute'
      : `${most[0]} ${percent(most[1] / report.totals.cycles)}`;
  };
  return {
    head,
    rows: [
      line('precision', (report) => report.workload.precision),
      line('batch', (report) => String(report.workload.batch)),
      line('cycles', (report) => si(report.totals.cycles)),
      line('time', (report) => seconds(report.totals.seconds)),
      line('samples/s', (report) => si(report.totals.samplesPerSecond)),
      line('MAC utilization', (report) => percent(report.totals.utilization)),
      line(
        'energy a sample',
        (report) => `${(report.totals.energyPj / 1e9 / report.workload.batch).toPrecision(3)} mJ`,
      ),
      line('average power', (report) => `${report.totals.averagePowerW.toPrecision(3)} W`),
      line('off-chip bytes', (report) =>
        si(
          (report.totals.trafficBytes[report.roofline.memory]?.read ?? 0) +
            (report.totals.trafficBytes[report.roofline.memory]?.write ?? 0),
          'B',
        ),
      ),
      line('bound', mainStall),
    ],
  };
}
