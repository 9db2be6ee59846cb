// Writes reports/x86/errors.md: errors of the Cascade Lake core by mode, application and class of instructions, and what each
// mechanism is worth (the error with it switched off).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundle, source } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const anchors = join(root, 'reports', 'anchors', 'x86_blocks.csv');
const folder = join(root, 'reports', 'x86');
/** Ablations run on every so many rows. */
const STEP = 8;
const OFF = [
  ['front end (queue always full)', 'frontEnd.isModelled=false'],
  ['port binding by counts (in turn instead)', 'backEnd.bindsByCount=false'],
  ['micro-fusion', 'renamer.microFusion=false'],
  ['macro-fusion', 'renamer.macroFusion=false'],
  ['un-lamination', 'renamer.unlamination=false'],
  ['zero idioms', 'renamer.zeroIdioms=false'],
  ['move elimination', 'renamer.moveElimination=false'],
  ['following addresses: forwarding and TLB', 'memory.forwarding=false'],
  ['loads that wait for addresses', 'memory.cautiousLoadCycles=0'],
  ['TLB misses', 'memory.pageMissCycles=0'],
  ['jump erratum', 'frontEnd.jumpErratum=false'],
  [
    'scheduler split in two (97 entries each instead)',
    'backEnd.scheduler=97',
    'backEnd.vectorScheduler=97',
    'backEnd.memoryScheduler=97',
  ],
  ['entries of ports 0, 1 and 5 (all 58 instead of 44)', 'backEnd.vectorScheduler=58'],
  ['512-bit closing port 1', 'backEnd.fusesPortsFor512=false'],
];

const lines = readFileSync(anchors, 'utf8').trim().split('\n');
const head = lines[0].split(',');
const rows = lines.slice(1).map((line) => Object.fromEntries(line.split(',').map((value, at) => [head[at], value])));

const exported = ['x86-core', 'models/x86/predict', 'models/x86/decode', 'models/x86/hex'];
const code = exported.map((name) => `export * from './src/${name}.ts';`).join('\n');
const x86 = await import(pathToFileURL(await bundle('x86-report', source(code), ['iced-x86'])).href);

function predict(some, sets) {
  const core = x86.loadCore('cascadelake', sets);
  return some.map(
    ({ hex, mode }) => x86.predict(x86.prepare(x86.bytesOfHex(hex), mode, core), core).cyclesPerIteration,
  );
}
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const errorsOf = (some, predicted) =>
  some.map((row, at) => 100 * Math.abs(predicted[at] / Number(row.cycles_measured) - 1));
const table = (title, names, body) =>
  `## ${title}\n\n| ${names.join(' | ')} |\n|${names.map(() => '---').join('|')}|\n${body.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;

/** Rows by the names that `keys` gives each, with their errors. */
const grouped = (errors, keys) => {
  const groups = new Map();
  rows.forEach((row, at) => {
    for (const key of keys(row)) {
      const name = `${key} | ${row.mode}`;
      const group = groups.get(name) ?? [];
      group.push(errors[at]);
      groups.set(name, group);
    }
  });
  return [...groups].sort().map(([name, some]) => [name, some.length, mean(some).toFixed(2), median(some).toFixed(2)]);
};

/** Kinds of work, by the forms of a block's instructions; a block counts for every class it has. */
const CLASSES = [
  ['stack', /\b(push|pop|leave)\b/],
  ['division and roots', /div|sqrt/],
  ['locked or exchanging', /\b(xchg|cmpxchg|xadd)\b/],
  ['conditional moves and sets', /\b(cmov|set)/],
  ['rip-relative', /\brip\b/],
  ['512-bit registers', /zmm/],
  ['256-bit registers', /ymm/],
  ['128-bit registers', /xmm/],
  ['general registers only', /^(?!.*[xyz]mm)/],
];
const classesOf = ({ hex }) => {
  const forms = x86.decodeBlock(x86.bytesOfHex(hex)).map(({ form }) => form);
  const text = forms.join('; ');
  const stores = forms.some((form) => /^\S+ m\d/.test(form) && !/^(cmp|test|bt) /.test(form));
  return [
    ...CLASSES.filter(([, test]) => test.test(text)).map(([name]) => name),
    stores ? 'writes memory' : 'writes no memory',
  ];
};

const errors = errorsOf(rows, predict(rows, []));
const sample = rows.filter((_, at) => at % STEP === 0);
mkdirSync(folder, { recursive: true });
const modes = ['unrolled', 'loop'];
const byMode = (predicted) => {
  const some = errorsOf(sample, predicted);
  return modes.map((mode) => mean(some.filter((_, at) => sample[at].mode === mode)).toFixed(2));
};
const ablation = [['none', ...byMode(predict(sample, []))]];
for (const [name, ...sets] of OFF) ablation.push([name, ...byMode(predict(sample, sets))]);

const columns = ['group', 'mode', 'rows', 'mean absolute error %', 'median %'];
const text = [
  '# Basic blocks on Cascade Lake: errors\n\nWritten by `node scripts/x86-report.mjs` from `reports/anchors/x86_blocks.csv`.\n',
  table(
    'All',
    columns,
    grouped(errors, () => ['all']),
  ),
  table(
    'By application',
    columns,
    grouped(errors, ({ app }) => [app]),
  ),
  table('By class of instructions', columns, grouped(errors, classesOf)),
  table(`Switched off (every ${STEP}th row), mean absolute error %`, ['mechanism', ...modes], ablation),
].join('\n');
writeFileSync(join(folder, 'errors.md'), text);
