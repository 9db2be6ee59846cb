/** Colours are Okabe and Ito's, as in the charts; dark pages get lighter ones. */
export const STYLE = `
:root { color-scheme: light dark; --held: #b35c00; --moving: #0072B2; --sum: #007a59; --line: #ccc; --busy: #e9f5f0; --ink: #222; --soft: #666; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --held: #f0b25a; --moving: #6cc1f5; --sum: #4fd1a5; --line: #444; --busy: #17352b; --ink: #ddd; --soft: #999; --page: #16181c; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 1.5em; }
h1 { font-size: 1.3em; margin: 0 0 .6em; } h2 { font-size: 1em; margin: 0 0 .3em; }
.bar { display: flex; flex-wrap: wrap; gap: .5em; align-items: center; margin: .6em 0; }
.bar input[type=range] { flex: 1; min-width: 12em; }
.bar button { font: inherit; min-width: 2.6em; padding: .15em .6em; }
.bar input[type=number] { width: 4em; font: inherit; }
.says { min-height: 3em; } .says b { margin-right: 1em; }
.parts { display: flex; flex-wrap: wrap; gap: 2em; align-items: flex-start; }
.grid { display: grid; gap: 4px; width: max-content; font: 13px/1.3 ui-monospace, monospace; }
.cell { border: 1px solid var(--line); border-radius: 4px; padding: 2px 6px; min-width: 5.5em; }
.cell.busy { background: var(--busy); border-color: var(--sum); }
.register { display: flex; justify-content: space-between; gap: .8em; min-height: 1.3em; } .register i { color: var(--soft); font-style: normal; }
.held { color: var(--held); } .moving { color: var(--moving); } .sum { color: var(--sum); font-weight: 600; }
.wire { align-self: center; text-align: right; color: var(--moving); min-width: 2.5em; min-height: 1.4em; } .wire.down { text-align: center; } .wire.out { color: var(--sum); }
table { border-collapse: collapse; font: 13px/1.3 ui-monospace, monospace; } td { border: 1px solid var(--line); padding: 1px 5px; text-align: right; min-width: 1.6em; height: 1.4em; }
td.waiting { color: var(--soft); } td.active { background: var(--busy); outline: 1px solid var(--sum); } td[contenteditable]:focus { outline: 2px solid var(--moving); }
.links { margin: 0; padding: 0; list-style: none; font: 13px/1.5 ui-monospace, monospace; } .links li { color: var(--moving); }
.note { color: var(--soft); font-size: .9em; }`;
