import type { UopTimes } from '../../models/x86/trace.ts';
import type { BlockTimeline } from './report.ts';
import { nameOf, span, stagesOf } from './stages.ts';

const LABEL_WIDTH = 40;
const SHORTEST = 40;
const KEY =
  'P predecoded, Q decoded and queued, I issued, = waits, D dispatched, e executes, - waits to retire, R retired';
const FILL = { predecoded: '.', queued: '.', waiting: '=', executing: 'e', done: '-' } as const;

function lineOf(one: UopTimes, first: number): string {
  const marks: string[] = [];
  const put = (cycle: number | null, mark: string): void => {
    if (cycle !== null) marks[cycle - first] = mark;
  };
  for (const { key, from, until } of stagesOf(one)) for (let at = from; at < until; at += 1) put(at, FILL[key]);
  put(one.predecoded, 'P');
  put(one.decoded, 'Q');
  put(one.issued, 'I');
  put(one.dispatched, 'D');
  put(one.retired, 'R');
  return Array.from(marks, (mark) => mark ?? ' ').join('');
}

/** Every tenth cycle by its number, on one line. */
function ruler(first: number, cycles: number): string {
  let line = '';
  for (let cycle = first; cycle < first + cycles; cycle += 1) {
    if (line.length > cycle - first) continue;
    line += cycle % 10 === 0 ? `|${cycle}` : ' ';
  }
  return line.slice(0, cycles);
}

/** Micro-ops as lines of cycles, as many as fit into `width` characters; what is cut off is said. */
export function timelineText(timeline: BlockTimeline, width: number): string {
  const { times } = timeline;
  const { from, until } = span(times);
  const room = Math.max(SHORTEST, width - LABEL_WIDTH - 7);
  const shown = times.filter((one) => (one.predecoded ?? one.decoded) < from + room);
  const lines = shown.map((one) => {
    const name = nameOf(timeline, one);
    const clipped = name.length > LABEL_WIDTH - 6 ? `${name.slice(0, LABEL_WIDTH - 7)}~` : name;
    const port = one.port === null ? '' : `p${one.port}`;
    const label = `${String(one.iteration).padStart(3)}  ${clipped}`.padEnd(LABEL_WIDTH);
    return `${label} ${port.padEnd(4)}  ${lineOf(one, from).slice(0, room)}`.trimEnd();
  });
  const head = `${'     micro-op'.padEnd(LABEL_WIDTH)} port  ${ruler(from, Math.min(room, until - from))}`.trimEnd();
  const later = times.length > shown.length ? `; ${times.length - shown.length} micro-ops start later` : '';
  const cut = until - from > room ? `\nCut off after cycle ${from + room - 1} of ${until - 1}${later}.` : '';
  return `${[KEY, head, ...lines].join('\n')}${cut}\n`;
}
