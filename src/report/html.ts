import { CAUSE_TEXT, type CauseGroup, groupOf } from './causes.ts';
import { bytes, joules, percent, seconds, si } from './format.ts';
import type { OpReport, Report } from './report.ts';
import { accuracyLine, shownOps, sourcesLine } from './table.ts';

/** Okabe and Ito's palette, as in the charts. */
const COLORS: Readonly<Record<CauseGroup, string>> = {
  active: '#009E73',
  weights: '#E69F00',
  data: '#0072B2',
  other: '#999999',
};
const GROUP_TEXT: Readonly<Record<CauseGroup, string>> = {
  active: 'computing',
  weights: 'weights',
  data: 'other data',
  other: 'other waits',
};

const STYLE = `
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 70em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; } .wide { width: 100%; } td, th { padding: .2em .6em; text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid #444; } td:first-child, th:first-child, .words td:last-child, .words th:last-child { text-align: left; } tr:hover td { background: #f3f3f3; }
.bar { display: flex; height: 1em; min-width: 12em; background: #eee; } .key { display: inline-block; width: 1em; height: 1em; margin: 0 .3em -.15em 1em; }
.note { color: #555; }`;

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A page of its own: no script, nothing to fetch. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${escapeHtml(title)}</title>\n<style>${STYLE}\n</style>\n<h1>${escapeHtml(title)}</h1>\n${body}\n</html>\n`;
}

/** Cells are text; `words`: the last column is read from the left. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[], layout: Layout = ''): string {
  return table(
    head,
    rows.map((row) => row.map(escapeHtml)),
    layout,
  );
}

type Layout = '' | 'wide' | 'words';

function table(head: readonly string[], rows: readonly (readonly string[])[], layout: Layout): string {
  const line = (cells: readonly string[], tag: 'td' | 'th'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table class="${layout}">\n${line(head.map(escapeHtml), 'th')}\n${rows.map((row) => line(row, 'td')).join('\n')}\n</table>`;
}

function groupsOf(op: OpReport): Record<CauseGroup, number> {
  const parts: Record<CauseGroup, number> = { active: op.activeCycles, weights: 0, data: 0, other: 0 };
  for (const [cause, cycles] of Object.entries(op.stallCycles)) parts[groupOf(cause)] += cycles;
  return parts;
}

/** Where the cycles of one op went; its causes are shown when pointed at. */
function bar(op: OpReport): string {
  const causes = Object.entries(op.stallCycles).map(([cause, cycles]) => `${cause} ${percent(cycles / op.cycles)}`);
  const title = [`computing ${percent(op.activeCycles / op.cycles)}`, ...causes].join(', ');
  const parts = Object.entries(groupsOf(op)).map(
    ([group, cycles]) => `<span style="flex:${cycles};background:${COLORS[group as CauseGroup]}"></span>`,
  );
  return `<div class="bar" title="${escapeHtml(title)}">${parts.join('')}</div>`;
}

function opRow(op: OpReport, report: Report): string[] {
  const traffic = op.trafficBytes[report.roofline.memory];
  return [
    escapeHtml(op.name),
    si(op.cycles),
    percent(op.cycles / report.totals.cycles),
    si(op.macs),
    bar(op),
    percent(op.utilization),
    escapeHtml(op.bound),
    traffic === undefined ? '-' : bytes(traffic.read + traffic.write),
  ];
}

/** The report as a page: totals, every layer with a bar, causes, traffic, energy. */
export function renderHtml(report: Report, top: number | null): string {
  const { totals, workload, arch, roofline } = report;
  const { ops, leftOut } = shownOps(report, top);
  const facts: [string, string][] = [
    ['time', `${seconds(totals.seconds)}, ${si(totals.cycles)} cycles at ${si(totals.clockHz, 'Hz')}`],
    [
      'throughput',
      `${si(totals.samplesPerSecond)} samples/s, ${((2 * totals.macs) / totals.seconds / 1e12).toFixed(2)} TOPS`,
    ],
    ['MAC utilization', percent(totals.utilization)],
    [
      'energy',
      `${joules(totals.energyPj)}, ${joules(totals.energyPj / workload.batch)} a sample, ${totals.averagePowerW.toPrecision(3)} W on average`,
    ],
    [
      'roofline',
      `${si(roofline.macsPerByte)} MAC per ${roofline.memory} byte; the ridge is at ${si(roofline.peakMacsPerCycle / roofline.bytesPerCycle)}`,
    ],
  ];
  const causes = Object.entries(totals.stallCycles).map(([cause, cycles]) => [
    cause,
    percent(cycles / totals.cycles),
    CAUSE_TEXT[cause as keyof typeof CAUSE_TEXT],
  ]);
  const traffic = Object.entries(totals.trafficBytes).map(([name, { read, write }]) => [
    name,
    bytes(read),
    bytes(write),
  ]);
  const energy = Object.entries(totals.energyPjByComponent).map(([name, pj]) => [
    name,
    percent(pj / totals.energyPj),
    joules(pj),
  ]);
  const keys = Object.entries(COLORS).map(
    ([group, color]) => `<span class="key" style="background:${color}"></span>${GROUP_TEXT[group as CauseGroup]}`,
  );
  const head = ['layer', 'cycles', 'share', 'MACs', 'where cycles went', 'utilization', 'bound', roofline.memory];
  const body = [
    `<p>${escapeHtml(`${workload.phase}, batch ${workload.batch}, ${workload.precision}`)}</p>`,
    htmlTable(['total', 'value'], facts, 'words'),
    `<h2>Layers</h2><p>${keys.join('')}</p>`,
    table(
      head,
      ops.map((op) => opRow(op, report)),
      'wide',
    ),
    leftOut > 0 ? `<p class="note">${leftOut} more layers with fewer cycles.</p>` : '',
    '<h2>Where the cycles went</h2>',
    htmlTable(
      ['cause', 'share', 'meaning'],
      [['computing', percent(totals.activeCycles / totals.cycles), ''], ...causes],
      'words',
    ),
    '<h2>Memory traffic</h2>',
    htmlTable(['memory', 'read', 'written'], traffic),
    '<h2>Energy</h2>',
    htmlTable(['component', 'share', 'energy'], energy),
    ...[...report.notes, accuracyLine(report), sourcesLine(report)].map(
      (note) => `<p class="note">${escapeHtml(note)}</p>`,
    ),
  ];
  return htmlPage(`${workload.name} on ${arch.name}`, body.join('\n'));
}
