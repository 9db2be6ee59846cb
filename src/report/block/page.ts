import { escapeHtml } from '../html.ts';
import { PAGE_SCRIPT, PAGE_STYLE } from './page-parts.ts';
import type { BlockReport, BlockTimeline } from './report.ts';
import { nameOf, type Stage, STAGE_TEXT, span, stagesOf } from './stages.ts';
import { bottleneckText, KEY, pressure, shownBounds, slotsLine, title, unknownLine } from './table.ts';

const STAGE_KEYS = Object.keys(STAGE_TEXT) as Stage['key'][];

function boundsHtml(report: BlockReport): string {
  const bounds = shownBounds(report);
  const scale = 100 / Math.max(report.cyclesPerIteration, bounds[0]?.[1] ?? 1);
  const rows = bounds.map(([name, cycles]) => {
    const mark = name === report.bottleneck ? ' class="worst"' : '';
    const bar = `<span class="bar"><i style="width:${(cycles * scale).toFixed(1)}%"></i></span>`;
    return `<tr${mark}><td class="text">${escapeHtml(name)}</td><td>${cycles.toFixed(2)}</td><td class="text">${bar}</td></tr>`;
  });
  return `<table><tr><th class="text">no faster than</th><th>cycles</th><th></th></tr>${rows.join('\n')}</table>`;
}

/** The fuller a port, the deeper its cell. */
function portCell(text: string, cycles: number): string {
  const share = Math.min(1, (Number(text) || 0) / Math.max(cycles, 1e-9));
  return `<td class="port" style="--share:${(100 * share).toFixed(0)}%">${text}</td>`;
}

function pressureHtml(report: BlockReport): string {
  const { head, rows } = pressure(report);
  const words = new Set([0, head.length - 2, head.length - 1]);
  const ports = { first: 5, end: head.length - 2 };
  const line = (cells: readonly string[], index: number): string => {
    const isSum = index === rows.length - 1;
    const parts = cells.map((cell, column) => {
      if (column >= ports.first && column < ports.end) return portCell(cell, report.cyclesPerIteration);
      const code = column === head.length - 2 && !isSum ? `<code>${escapeHtml(cell)}</code>` : escapeHtml(cell);
      return `<td${words.has(column) ? ' class="text"' : ''}>${code}</td>`;
    });
    const classes = [isSum ? 'sum' : '', cells[0] === '*' ? 'chain' : ''].filter((name) => name !== '').join(' ');
    return `<tr class="${classes}"${isSum ? '' : ` data-instruction="${index}"`}>${parts.join('')}</tr>`;
  };
  const titles = head.map((name, column) => `<th${words.has(column) ? ' class="text"' : ''}>${escapeHtml(name)}</th>`);
  return `<div class="scroll"><table class="pressure"><tr>${titles.join('')}</tr>\n${rows.map(line).join('\n')}</table></div><p class="note">${escapeHtml(KEY.join(' '))}</p>`;
}

/** Micro-ops as rows of boxes, placed by cycle; what a box is, is in its title and shown below by the script. */
function timelineHtml(timeline: BlockTimeline): string {
  const { times } = timeline;
  const { from, until } = span(times);
  const marks: string[] = [];
  for (let cycle = Math.ceil(from / 10) * 10; cycle < until; cycle += 10)
    marks.push(`<span style="--at:${cycle - from}">${cycle}</span>`);
  const rows = times.map((one, index) => {
    const name = `${one.iteration}.${one.instruction}  ${nameOf(timeline, one)}${one.port === null ? '' : `, port ${one.port}`}`;
    const boxes = stagesOf(one).map(
      ({ key, from: start, until: end }) =>
        `<i class="${key}" style="--at:${start - from};--for:${end - start}" title="${escapeHtml(`${name}: ${STAGE_TEXT[key]}, ${start} to ${end - 1}`)}"></i>`,
    );
    const retired = `<i class="retired" style="--at:${one.retired - from};--for:1" title="${escapeHtml(`${name}: retires in cycle ${one.retired}`)}"></i>`;
    const port = one.port === null ? '' : `p${one.port}`;
    const isFirst = index > 0 && times[index - 1]!.iteration !== one.iteration;
    return `<div class="row${isFirst ? ' first' : ''}" data-instruction="${one.instruction}"><b><span class="number">${one.iteration}</span><code title="${escapeHtml(name)}">${escapeHtml(nameOf(timeline, one))}</code><span class="number">${port}</span></b><div class="track">${boxes.join('')}${retired}</div></div>`;
  });
  const legend = [...STAGE_KEYS, 'retired' as const].map(
    (key) => `<span><i class="${key}"></i>${key === 'retired' ? 'retires' : escapeHtml(STAGE_TEXT[key])}</span>`,
  );
  return `<p class="legend">${legend.join('')}</p>
<p class="status" aria-live="polite">Point at a box to see what the micro-op does; click a row to follow its instruction through the iterations.</p>
<div class="scroll timeline" style="--cycles:${until - from}" data-from="${from}" tabindex="0">
<div class="row ruler"><b>micro-op</b><div class="track">${marks.join('')}</div></div>
${rows.join('\n')}
</div>`;
}

/** A page that needs nothing from elsewhere: bounds, port pressure, and the first iterations cycle by cycle. */
export function renderBlockPage(report: BlockReport, timeline: BlockTimeline): string {
  const unknown = unknownLine(report);
  const worst = bottleneckText(report);
  const iterations = (timeline.times.at(-1)?.iteration ?? -1) + 1;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title(report))}</title>
<style>${PAGE_STYLE}</style>
<main>
<h1>${escapeHtml(title(report))}</h1>
<p class="lead">Bottleneck: <strong>${escapeHtml(worst.name)}</strong>${escapeHtml(worst.others)}</p>
${boundsHtml(report)}
<p>${escapeHtml(slotsLine(report))}.</p>
${unknown === null ? '' : `<p class="unknown">${escapeHtml(unknown)}</p>`}
<h2>Instructions and ports</h2>
${pressureHtml(report)}
<h2>The first ${iterations === 1 ? 'iteration' : `${iterations} iterations`}, cycle by cycle</h2>
${timelineHtml(timeline)}
<p class="note"><code>${report.hex}</code></p>
</main>
<script>${PAGE_SCRIPT}</script>
</html>
`;
}
