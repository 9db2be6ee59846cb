/** Style of a block's page: colours of Okabe and Ito, which are told apart with any colour vision, by day and by night. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1d1f23; --soft: #5d636d; --line: #d9dce1; --shade: #f4f5f7; --accent: #0072b2;
  --predecoded: #d5d9df; --queued: #aeb5bf; --waiting: #f0c35e; --executing: #009e73; --done: #8ec5e6; --retired: #0072b2; --cell: 15px; --name: 25em; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171b; --ink: #e6e8eb; --soft: #9aa1ac; --line: #343941; --shade: #1f2329; --accent: #56b4e9;
  --predecoded: #3a4049; --queued: #5a626e; --waiting: #b8892a; --executing: #17b589; --done: #2f6c92; --retired: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 100em; margin: 0 auto; padding: 2em 2em 4em; }
h1 { font-size: 1.5em; margin: 0; } h2 { font-size: 1.15em; margin: 2.2em 0 .6em; } .lead { font-size: 1.1em; margin: .3em 0 1.2em; }
strong, .worst td { color: var(--accent); font-weight: 600; } .note, .status, th { color: var(--soft); } .unknown { color: #d55e00; }
.note { font-size: .9em; overflow-wrap: anywhere; } code, .pressure td, .pressure th { font: 13px/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
table { border-collapse: collapse; } td, th { padding: .15em .7em; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th { font-weight: 500; border-bottom: 1px solid var(--line); } .text { text-align: left; } .sum td { border-top: 1px solid var(--line); }
.chain td:first-child { color: #d55e00; font-weight: 700; } tr.followed td { background-color: var(--shade); }
.port { background-image: linear-gradient(color-mix(in srgb, var(--executing) 38%, transparent), color-mix(in srgb, var(--executing) 38%, transparent)); background-size: var(--share) 100%; background-repeat: no-repeat; }
.bar { display: block; width: 22em; height: .8em; background: var(--shade); } .bar i { display: block; height: 100%; background: var(--soft); } .worst .bar i { background: var(--accent); }
.scroll { overflow: auto; border: 1px solid var(--line); border-radius: 6px; } .timeline { max-height: 75vh; } .pressure { margin: .3em 0; }
.legend { display: flex; flex-wrap: wrap; gap: .3em 1.6em; margin: 0 0 .6em; font-size: .9em; color: var(--soft); } .legend i { display: inline-block; width: 1em; height: 1em; margin-right: .5em; vertical-align: -.15em; border-radius: 3px; }
.row { display: flex; width: max-content; height: 20px; } .row.first { box-shadow: inset 0 1px var(--line); }
.row b { position: sticky; left: 0; z-index: 1; display: flex; gap: .6em; flex: none; width: var(--name); padding: 0 .6em; background: var(--paper); border-right: 1px solid var(--line); font-weight: 400; line-height: 20px; }
.row.first b { box-shadow: inset 0 1px var(--line); } .row code { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; line-height: 20px; } .number { color: var(--soft); min-width: 1.3em; font-size: 12px; }
.track { position: relative; width: calc((var(--cycles) + 1) * var(--cell)); background: repeating-linear-gradient(90deg, transparent 0 calc(10 * var(--cell) - 1px), var(--line) calc(10 * var(--cell) - 1px) calc(10 * var(--cell))); }
.track i { position: absolute; top: 2px; height: 16px; left: calc(var(--at) * var(--cell)); width: calc(var(--for) * var(--cell) - 1px); border-radius: 3px; }
.track i:hover { outline: 2px solid var(--ink); } .row:hover b, .row.followed b, .row.followed .track { background-color: var(--shade); }
.ruler { position: sticky; top: 0; z-index: 2; height: 24px; background: var(--paper); border-bottom: 1px solid var(--line); } .ruler b { line-height: 24px; color: var(--soft); }
.ruler span { position: absolute; left: calc(var(--at) * var(--cell) + 3px); line-height: 24px; font-size: 12px; color: var(--soft); }
.predecoded { background: var(--predecoded); } .queued { background: var(--queued); } .waiting { background: var(--waiting); }
.executing { background: var(--executing); } .done { background: var(--done); } .retired { background: var(--retired); }
.status { min-height: 1.5em; margin: .2em 0 .6em; } .cross { position: absolute; top: 0; bottom: 0; width: var(--cell); background: color-mix(in srgb, var(--accent) 16%, transparent); pointer-events: none; }
@media (max-width: 60em) { main { padding: 1em; } :root { --name: 14em; } }
@media print { .scroll { overflow: visible; max-height: none; } }
`;

/** Says what is pointed at, marks the cycle, and follows an instruction on a click. The page reads without it as well. */
export const PAGE_SCRIPT = `
const box = document.querySelector('.timeline'), status = document.querySelector('.status');
const first = Number(box.dataset.from), ruler = box.querySelector('.ruler .track');
const cross = document.createElement('div');
cross.className = 'cross';
box.addEventListener('pointermove', (event) => {
  const track = event.target.closest('.track');
  if (track === null) return;
  const cell = track.clientWidth / (Number(getComputedStyle(box).getPropertyValue('--cycles')) + 1);
  const cycle = Math.floor((event.clientX - track.getBoundingClientRect().left) / cell);
  cross.style.left = cycle * cell + 'px';
  track.append(cross);
  const said = event.target.title || track.parentElement.querySelector('code')?.title || '';
  status.textContent = 'Cycle ' + (first + cycle) + (said === '' ? '' : ': ' + said);
});
document.addEventListener('click', (event) => {
  const row = event.target.closest('[data-instruction]');
  const wanted = row === null || row.classList.contains('followed') ? null : row.dataset.instruction;
  for (const one of document.querySelectorAll('[data-instruction]')) one.classList.toggle('followed', one.dataset.instruction === wanted);
});
`;
