import { extname } from 'node:path';
import { InputError } from '../errors.ts';
import type { Core } from '../models/x86/predict.ts';
import { konataLog } from '../report/block/konata.ts';
import { renderBlockPage } from '../report/block/page.ts';
import { type BlockReport, type BlockTimeline, timelineOf } from '../report/block/report.ts';

/** Iterations drawn in the terminal, and in a file. */
const TERMINAL_ITERATIONS = 3;
const FILE_ITERATIONS = 16;
/** What a browser still scrolls through with ease, and a sensible length of a log. */
const MAX_PAGE_UOPS = 20_000;
const MAX_LOG_UOPS = 50_000;

/** The first iterations of a block. Throws InputError if they are more than can be shown. */
export function drawnTimeline(
  report: BlockReport,
  bytes: Uint8Array,
  core: Core,
  asked: number | undefined,
  isLog: boolean,
  isFile: boolean,
): BlockTimeline {
  const uops = report.instructions.reduce((sum, row) => sum + Math.max(row.executedUops, row.issueSlots), 0);
  const most = Math.max(1, Math.floor((isLog ? MAX_LOG_UOPS : MAX_PAGE_UOPS) / uops));
  if (asked !== undefined && (asked < 1 || asked > most))
    throw InputError.of('--iterations', String(asked), `a timeline of this block shows 1 to ${most}`);
  const iterations = asked ?? Math.min(most, isFile ? FILE_ITERATIONS : TERMINAL_ITERATIONS);
  return timelineOf(bytes, report.mode, core, iterations);
}

export type TimelineKind = 'page' | 'konata';

/** What a file of a timeline is to hold, by its ending. Throws InputError. */
export function timelineKind(path: string): TimelineKind {
  const ending = extname(path).toLowerCase();
  if (ending === '.html') return 'page';
  if (['.log', '.kanata', '.konata'].includes(ending)) return 'konata';
  throw InputError.of(
    '--timeline',
    path,
    'write FILE.html for a page or FILE.log for Konata; without a file it is drawn in the terminal (then put HEX before it)',
  );
}

export function timelineFile(kind: TimelineKind, report: BlockReport, timeline: BlockTimeline): string {
  return kind === 'page' ? renderBlockPage(report, timeline) : konataLog(timeline);
}
