// Writes reports/x86/: errors of the Cascade Lake core by mode, application and class of instructions, and what each mechanism is
// worth (the error with it switched off). Needs the built command line: npm run build.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const anchors = join(root, 'reports', 'anchors', 'x86_blocks.csv');
const folder = join(root, 'reports', 'x86');
/** Ablations run on every so many rows. */
const STEP = 6;
const OFF = [
  ['zero idioms', 'renamer.zeroIdioms=false'],
  ['move elimination', 'renamer.moveElimination=false'],
  ['micro-fusion', 'renamer.microFusion=false'],
  ['un-lamination', 'renamer.unlamination=false'],
  ['following addresses: forwarding and TLB', 'memory.forwarding=false'],
  ['jump erratum', 'frontEnd.jumpErratum=false'],
  ['scheduler split in two (97 entries each instead)', 'backEnd.scheduler=97', 'backEnd.memoryScheduler=97'],
  ['TLB misses', 'memory.pageMissCycles=0'],
  ['512-bit closing port 1', 'backEnd.fusesPortsFor512=false'],
];

const lines = readFileSync(anchors, 'utf8').trim().split('\n');
const head = lines[0].split(',');
const rows = lines.slice(1).map((line) => Object.fromEntries(line.split(',').map((value, at) => [head[at], value])));

function predict(file, sets) {
  const main = join(root, 'dist', 'main.js');
  const args = [main, 'block', '--file', file, '--format', 'json', ...sets.flatMap((set) => ['--set', set])];
  const text = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).cyclesPerIteration);
}
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const errorsOf = (some, predicted) =>
  some.map((row, at) => 100 * Math.abs(predicted[at] / Number(row.cycles_measured) - 1));
const table = (title, names, body) =>
  `## ${title}\n\n| ${names.join(' | ')} |\n|${names.map(() => '---').join('|')}|\n${body.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;

/** Widest registers of a block, by the prefixes in its code: a rough class for the report. */
const classOf = ({ hex }) => (/62[0-9a-f]/.test(hex) ? 'evex' : /c[45][0-9a-f]/.test(hex) ? 'vex' : 'legacy');
const grouped = (errors, key) => {
  const groups = new Map();
  rows.forEach((row, at) => {
    const name = `${key(row)} | ${row.mode}`;
    groups.set(name, [...(groups.get(name) ?? []), errors[at]]);
  });
  return [...groups].sort().map(([name, some]) => [name, some.length, mean(some).toFixed(2), median(some).toFixed(2)]);
};

const errors = errorsOf(rows, predict(anchors, []));
const sample = rows.filter((_, at) => at % STEP === 0);
const temporary = mkdtempSync(join(tmpdir(), 'accsim-x86-'));
const sampleFile = join(temporary, 'sample.csv');
mkdirSync(folder, { recursive: true });
writeFileSync(sampleFile, [lines[0], ...lines.slice(1).filter((_, at) => at % STEP === 0)].join('\n'));
const modes = ['unrolled', 'loop'];
const byMode = (predicted) => {
  const some = errorsOf(sample, predicted);
  return modes.map((mode) => mean(some.filter((_, at) => sample[at].mode === mode)).toFixed(2));
};
const ablation = [['none', ...byMode(predict(sampleFile, []))]];
for (const [name, ...sets] of OFF) ablation.push([name, ...byMode(predict(sampleFile, sets))]);

rmSync(temporary, { recursive: true });

const columns = ['group', 'mode', 'rows', 'mean absolute error %', 'median %'];
const text = [
  '# Basic blocks on Cascade Lake: errors\n\nWritten by `node scripts/x86-report.mjs` from `reports/anchors/x86_blocks.csv`.\n',
  table(
    'All',
    columns,
    grouped(errors, () => 'all'),
  ),
  table(
    'By application',
    columns,
    grouped(errors, ({ app }) => app),
  ),
  table('By encoding', columns, grouped(errors, classOf)),
  table(`Switched off (every ${STEP}th row), mean absolute error %`, ['mechanism', ...modes], ablation),
].join('\n');
writeFileSync(join(folder, 'errors.md'), text);
