import pc from 'picocolors';
import { columns } from '../columns.ts';
import { markdownTable } from '../tables.ts';
import type { BlockReport, BlockSummary } from './report.ts';

/** Fewer micro-ops than this are none. */
const SHOWN_UOPS = 0.005;
/** A bound far below the largest is not worth a line. */
const SHOWN_SHARE = 0.2;
const BAR_WIDTH = 30;

/** Bounds from the largest down, without those far below it. */
export function shownBounds({ bounds }: BlockSummary): [string, number][] {
  const sorted = Object.entries(bounds).sort((a, b) => b[1] - a[1]);
  return sorted.filter(([, cycles]) => cycles > SHOWN_SHARE * sorted[0]![1]);
}

const cell = (uops: number): string => (uops < SHOWN_UOPS ? '-' : uops.toFixed(2));

export interface Grid {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Instructions as rows, ports as columns; the last row adds them up. */
export function pressure({ instructions, ports }: BlockReport): Grid {
  const names = Object.keys(ports);
  const sum = (value: (row: BlockReport['instructions'][number]) => number): string =>
    String(instructions.reduce((all, row) => all + value(row), 0));
  return {
    head: ['', '#', 'uops', 'slots', 'latency', ...names.map((port) => `p${port}`), 'instruction', 'notes'],
    rows: [
      ...instructions.map((row, index) => [
        row.onChain ? '*' : '',
        String(index),
        String(row.executedUops),
        String(row.issueSlots),
        row.latencyCycles === null ? '-' : String(row.latencyCycles),
        ...names.map((port) => cell(row.ports[port]!)),
        row.text,
        row.marks.join(', '),
      ]),
      [
        '',
        '',
        sum((row) => row.executedUops),
        sum((row) => row.issueSlots),
        '',
        ...names.map((port) => cell(instructions.reduce((all, row) => all + row.ports[port]!, 0))),
        'sum',
        '',
      ],
    ],
  };
}

/** Shares of a cycle below which two bounds are the same. */
const SAME_CYCLES = 1e-3;

/** The bottleneck, and the bounds that are just as large. */
export function bottleneckText({ bottleneck, bounds }: BlockSummary): { name: string; others: string } {
  const equal = Object.entries(bounds)
    .filter(([name, cycles]) => name !== bottleneck && cycles > bounds[bottleneck]! - SAME_CYCLES)
    .map(([name]) => name);
  return { name: bottleneck, others: equal.length === 0 ? '' : `, and just as much: ${equal.join(', ')}` };
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Where the issue slots went, in words. */
export function slotsLine({ issueSlots }: BlockReport): string {
  const { used, frontEnd, backEnd } = issueSlots;
  return `Issue slots: ${percent(used)} used, ${percent(frontEnd)} empty (front end behind), ${percent(backEnd)} held back (back end full)`;
}

/** What the columns of `pressure` mean, in two lines. */
export const KEY = [
  'uops: micro-ops executed; slots: issue slots; latency: cycles from inputs to result, loads included;',
  'pN: micro-ops on port N per iteration; *: on the longest dependence chain from iteration to iteration',
] as const;

export function title(report: BlockSummary & { readonly arch: string }): string {
  return `${report.id === undefined ? '' : `${report.id}: `}${report.cyclesPerIteration.toFixed(2)} cycles per iteration on ${report.arch}, ${report.mode}`;
}

export function unknownLine({ unknownInstructions }: BlockSummary): string | null {
  if (unknownInstructions.length === 0) return null;
  return `Unknown to the tables, their micro-ops estimated: ${unknownInstructions.join('; ')}`;
}

/** The block for the terminal. */
export function renderBlock(report: BlockReport, colors: boolean): string {
  const { bold } = pc.createColors(colors);
  const worst = bottleneckText(report);
  const bounds = shownBounds(report);
  const scale = BAR_WIDTH / Math.max(report.cyclesPerIteration, bounds[0]?.[1] ?? 1);
  const rows = bounds.map(([name, cycles]) => [name, cycles.toFixed(2), '#'.repeat(Math.round(cycles * scale))]);
  const { head, rows: instructions } = pressure(report);
  const unknown = unknownLine(report);
  return [
    `${bold(title(report))}\nBottleneck: ${bold(worst.name)}${worst.others}\n`,
    columns([['no faster than', 'cycles', ''], ...rows], [0, 2]),
    columns([head, ...instructions], [0, head.length - 2, head.length - 1]),
    `${slotsLine(report)}\n${unknown === null ? '' : `${unknown}\n`}`,
    `${KEY.join('\n')}\n`,
  ].join('\n');
}

export function renderBlockMarkdown(report: BlockReport): string {
  const { head, rows } = pressure(report);
  const bounds = shownBounds(report).map(([name, cycles]) => [name, cycles.toFixed(2)]);
  const unknown = unknownLine(report);
  const worst = bottleneckText(report);
  return [
    `# ${title(report)}`,
    `Bottleneck: ${worst.name}${worst.others}. ${slotsLine(report)}.`,
    markdownTable(['no faster than', 'cycles'], bounds),
    markdownTable(head, rows),
    ...(unknown === null ? [] : [unknown]),
    `${KEY.join(' ')}\n`,
  ].join('\n\n');
}
