// Builds the micro-op tables arch/x86/*.csv out of documented facts (arch/x86/facts/) and single instructions measured on a
// Cascade Lake core (arch/x86/measured/), and holds every row against all instruction forms and against the measurements.
//   node scripts/x86-table.mjs           writes the tables and reports/x86/tables.md
//   node scripts/x86-table.mjs --check   writes nothing; exit 1 if a table is not what the script makes
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle, root, source } from './bundle.mjs';
import { BASE_SETS, encodings } from './x86-forms.mjs';
import { disagreements } from './x86-measured.mjs';

/** Tables, the newest first as `uopTables` of the machine has them, and the instruction sets that come on top of `after`'s. */
const CORES = {
  ivybridge: { tables: ['ivybridge', 'haswell', 'skylake'], sets: 'AES AVX F16C PCLMULQDQ POPCNT' },
  haswell: { after: 'ivybridge', tables: ['haswell', 'skylake'], sets: 'AVX2 BMI1 BMI2 FMA LZCNT MOVBE' },
  broadwell: { after: 'haswell', tables: ['broadwell', 'haswell', 'skylake'], sets: 'ADX' },
  skylake: { after: 'broadwell', tables: ['skylake'], sets: 'AVX512F AVX512BW AVX512CD AVX512DQ AVX512VL' },
  cascadelake: { after: 'skylake', tables: ['cascadelake', 'skylake'], sets: 'AVX512_VNNI' },
  icelake: {
    after: 'cascadelake',
    tables: ['icelake', 'cascadelake', 'skylake'],
    sets: 'AVX512_BITALG AVX512_IFMA AVX512_VBMI AVX512_VBMI2 AVX512_VPOPCNTDQ GFNI SHA VAES VPCLMULQDQ',
  },
};
/** The core that the measurements were taken on. */
const MEASURED = 'cascadelake';
const KINDS = { published: 'paper', llvm: 'paper', fitted: 'fitted', estimated: 'estimated' };
const {
  decodeBlock,
  bytesOfHex,
  readRecipes,
  recipeOf,
  rowOf,
  tokensOf,
  buildProgram,
  portMask,
  loadMachine,
  SCHEMAS,
  x86Spec,
} = await import(
  pathToFileURL(
    await bundle(
      'x86-table',
      source(`
          export { decodeBlock } from './src/models/x86/decode.ts';
          export { bytesOfHex } from './src/models/x86/hex.ts';
          export { readRecipes, recipeOf, rowOf, tokensOf } from './src/models/x86/recipes.ts';
          export { portMask } from './src/models/x86/micro-ops.ts';
          export { buildProgram } from './src/models/x86/program.ts';
          export { loadMachine } from './src/machine/load.ts';
          export { SCHEMAS } from './src/models/registry.ts';
          export { x86Spec } from './src/models/x86/spec.ts';`),
      ['iced-x86'],
    ),
  ).href
);

const folder = join(root, 'arch', 'x86');
const decode = (hex) => decodeBlock(bytesOfHex(hex))[0];

function readFacts(name) {
  const lines = readFileSync(join(folder, 'facts', `${name}.csv`), 'utf8')
    .trimEnd()
    .split('\n');
  const comment = lines.filter((line) => line.startsWith('#'));
  const rows = lines
    .filter((line) => !line.startsWith('#'))
    .slice(1)
    .map((line) => {
      const [mnemonics, when, uops, from] = line.split(',');
      if (!(from in KINDS)) throw new Error(`facts/${name}.csv: ${line}: the source is none of ${Object.keys(KINDS)}`);
      return { mnemonics, when, uops, from };
    });
  return { comment, rows };
}

function readMeasured() {
  const text = readFileSync(join(folder, 'measured', `${MEASURED}.csv`), 'utf8').trimEnd();
  return text
    .split('\n')
    .slice(1)
    .map((line) => {
      const [, form, rest] = /^"(.*?)",(.*)$/.exec(line) ?? /^([^,]*),(.*)$/.exec(line);
      const [hex, latency, path, rthroughput, copies, note] = rest.split(',');
      const number = (cell) => (cell === '' ? null : Number(cell));
      return { form, hex, latency: number(latency), path, rthroughput: number(rthroughput), copies, note };
    });
}

/** A table of rows as the model reads it; a number still to be measured stands as 1. */
function tableOf(parts, spec) {
  const files = parts.map(({ name, rows }) => ({
    name,
    text: rows.map(({ mnemonics, when, uops }) => `${mnemonics},${when},${uops.replaceAll('?', '1')},`).join('\n'),
  }));
  return readRecipes(files, portMask(spec.backEnd.ports), spec.backEnd.fusesPortsFor512);
}

const specs = new Map();
function specOf(core) {
  if (!specs.has(core)) specs.set(core, x86Spec.parse(loadMachine(core, [], SCHEMAS).spec));
  return specs.get(core);
}

/** Fills the numbers that facts leave to the measurement; every measured form of a row must agree. */
function fill(facts, measuredOf) {
  const problems = [];
  const rows = facts.rows.map((row, at) => {
    if (!row.uops.includes('?')) return row;
    const forms = measuredOf.get(at) ?? [];
    const latencies = new Set(
      forms.filter(({ latency }) => latency !== null).map(({ latency }) => Math.round(latency)),
    );
    const busy = new Set(
      forms.filter(({ rthroughput }) => rthroughput !== null).map((one) => Math.round(one.rthroughput)),
    );
    const wanted = row.uops.includes('/?') ? [latencies, busy] : [latencies];
    if (wanted.some((values) => values.size !== 1))
      problems.push(`${row.mnemonics},${row.when}: measured latencies ${[...latencies]}, cycles ${[...busy]}`);
    const uops = row.uops.replace('/?', `/${[...busy][0]}`).replace(':?', `:${[...latencies][0]}`);
    return { ...row, uops, kind: 'measured' };
  });
  if (problems.length > 0) throw new Error(`a row does not have one measured value:\n${problems.join('\n')}`);
  return rows;
}

const setsOf = (core) => [
  ...(core === undefined ? BASE_SETS : [...setsOf(CORES[core].after), ...CORES[core].sets.split(' ')]),
];
const forms = encodings(setsOf('icelake')).map((one) => ({ ...one, instruction: decode(one.hex) }));
const isIn = (core) => {
  const sets = new Set(setsOf(core));
  return ({ sets: needed }) => needed.every((set) => sets.has(set));
};

/** The mnemonic as tables have it. */
const nameOf = ({ instruction: { mnemonic, encoding } }) =>
  encoding === 'legacy' ? mnemonic : mnemonic.replace(/^v/, '');

/** Tokens that tell what a core lacks from what it has under the same mnemonic. */
const TELLS = [[], ['y'], ['!m'], ['evex'], ['y', 'evex']];

/** Rows for instructions that the tables of other cores name, but that a core lacks. */
function absentRows(core) {
  const has = isIn(core);
  const table = tableOf(
    CORES[core].tables.map((name) => ({ name, rows: facts.get(name).rows })),
    specOf(core),
  );
  const lacksEvex = !setsOf(core).includes('AVX512F');
  const named = forms.filter(({ instruction }) => rowOf(table, instruction) !== null);
  const groups = new Map();
  for (const form of named) groups.set(nameOf(form), [...(groups.get(nameOf(form)) ?? []), form]);
  const mnemonics = new Map();
  for (const [name, group] of groups) {
    const told = group
      .map((form) => ({ lacks: !has(form), tokens: tokensOf(form.instruction) }))
      .filter(({ tokens }) => !lacksEvex || !tokens.has('evex'));
    if (told.every(({ lacks }) => !lacks)) continue;
    const isTold = (token, tokens) => (token.startsWith('!') ? !tokens.has(token.slice(1)) : tokens.has(token));
    const tell = told.every(({ lacks }) => lacks)
      ? TELLS[0]
      : TELLS.find((some) => told.every(({ lacks, tokens }) => lacks === some.some((token) => isTold(token, tokens))));
    if (tell === undefined)
      throw new Error(`${core}: nothing tells the forms of ${name} that it lacks from the others`);
    for (const when of tell.length === 0 ? [''] : tell) mnemonics.set(when, [...(mnemonics.get(when) ?? []), name]);
  }
  const rows = [...mnemonics].map(([when, names]) => ({ mnemonics: names.join(' '), when }));
  if (lacksEvex) rows.unshift({ mnemonics: '*', when: 'evex' });
  return rows.map((row) => ({ ...row, uops: 'absent', kind: 'paper' }));
}

const facts = new Map();
for (const core of Object.keys(CORES)) facts.set(core, readFacts(core));

const measured = readMeasured().map((one) => ({ ...one, instruction: decode(one.hex) }));
const measuredOf = new Map();
{
  const spec = specOf(MEASURED);
  const table = tableOf(
    CORES[MEASURED].tables.map((name) => ({ name, rows: facts.get(name).rows })),
    spec,
  );
  for (const one of measured) {
    const row = rowOf(table, one.instruction);
    if (row === null) continue;
    const rows = measuredOf.get(row.file) ?? new Map();
    rows.set(row.line - 1, [...(rows.get(row.line - 1) ?? []), one]);
    measuredOf.set(row.file, rows);
  }
}
const tables = new Map();
for (const [core, { rows, comment }] of facts) {
  const filled = fill({ rows }, measuredOf.get(core) ?? new Map()).map((row) => ({
    kind: KINDS[row.from],
    ...row,
  }));
  tables.set(core, { name: core, comment, rows: [...absentRows(core), ...filled] });
}

/** How many forms each row of a core's table decides, and those that none does. */
function coverage(core) {
  const table = tableOf(
    CORES[core].tables.map((name) => tables.get(name)),
    specOf(core),
  );
  const decided = new Map();
  const unknown = new Map();
  const mine = forms.filter(isIn(core));
  for (const { instruction } of mine) {
    const row = rowOf(table, instruction);
    if (row === null) unknown.set(instruction.mnemonic, (unknown.get(instruction.mnemonic) ?? 0) + 1);
    else {
      const key = `${row.file}:${row.line - 1}`;
      decided.set(key, (decided.get(key) ?? 0) + 1);
    }
  }
  return { table, decided, unknown, forms: mine.length };
}
const covered = new Map(Object.keys(CORES).map((core) => [core, coverage(core)]));

/** Rows of a table that decide no form of the core it is for: mistakes. */
for (const [core, { rows }] of tables) {
  const dead = rows.filter(
    (row, at) =>
      row.uops !== 'absent' &&
      ![...covered].some(([other, { decided }]) => CORES[other].tables.includes(core) && decided.has(`${core}:${at}`)),
  );
  if (dead.length > 0)
    throw new Error(
      `${core}.csv: no form is decided by\n${dead.map((row) => `${row.mnemonics},${row.when}`).join('\n')}`,
    );
}

function csvOf(core) {
  const { comment, rows } = tables.get(core);
  const { decided } = covered.get(core);
  const body = rows.map(({ mnemonics, when, uops, kind }, at) => {
    const checked = measuredOf.get(core)?.get(at - (rows.length - facts.get(core).rows.length))?.length ?? 0;
    return [mnemonics, when, uops, kind, decided.get(`${core}:${at}`) ?? 0, checked].join(',');
  });
  const head = `# Made by scripts/x86-table.mjs from facts/${core}.csv${core === 'skylake' ? ` and measured/${MEASURED}.csv` : ''}; change those.`;
  return `${[head, ...comment, 'mnemonics,when,uops,kind,forms,measured', ...body].join('\n')}\n`;
}

function report() {
  const spec = specOf(MEASURED);
  const { table } = covered.get(MEASURED);
  const known = measured.filter(({ instruction }) => !recipeOf(table, instruction).isUnknown);
  const programs = known.map(({ instruction }) => buildProgram([instruction], table, spec));
  const { rows, latencies, throughputs } = disagreements(known, programs, spec.renamer.slots);
  const cores = [...covered].map(([core, { unknown, forms: total }]) => {
    const lacking = [...unknown.values()].reduce((sum, one) => sum + one, 0);
    const names = [...unknown.keys()].sort().join(', ');
    return `| ${core} | ${total} | ${total - lacking} | ${lacking === 0 ? '' : `${lacking}: ${names}`} |`;
  });
  const kinds = ['measured', 'paper', 'fitted', 'estimated'].map((kind) => {
    const some = tables.get('skylake').rows.filter((row) => row.kind === kind);
    return `| ${kind} | ${some.length} |`;
  });
  return `# Micro-op tables

Written by \`node scripts/x86-table.mjs\`.

## Forms

Every encoding that iced-x86 can make of a core's user-mode instruction sets (x87, transactions and string instructions left
out), in registers and memory, masked, zeroing and broadcast. What no row decides is reported as unknown by \`accsim block\`.

| core | forms | decided by a row | unknown |
|---|---:|---:|---|
${cores.join('\n')}

Rows of \`arch/x86/skylake.csv\` by kind:

| kind | rows |
|---|---:|
${kinds.join('\n')}

## Against single instructions measured on Cascade Lake

${latencies} latencies and ${throughputs} throughputs compared: latency as the longest path from the measured register to the
result, throughput as the port or issue bound of the instruction alone. ${rows.length} part by more than 0.25 cycles, or are outside -3 % to
+20 % of the bound. Shifts by cl wait for the flags of the shift before; what takes several micro-ops of one port cannot keep its
latency while copies follow each other; 16-bit immediates change the length of an instruction, which costs predecoding. That
variable blends take a whole cycle each, though their two micro-ops have three ports, is unexplained:

| form | what | measured | table | note |
|---|---|---:|---:|---|
${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`;
}

const outputs = Object.keys(CORES).map((core) => [join(folder, `${core}.csv`), csvOf(core)]);
outputs.push([join(root, 'reports', 'x86', 'tables.md'), report()]);
const stale = outputs.filter(([path, text]) => {
  try {
    return readFileSync(path, 'utf8') !== text;
  } catch {
    return true;
  }
});
if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`${path} is not what scripts/x86-table.mjs makes`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const [path, text] of stale) writeFileSync(path, text);
  console.log(`${stale.length} of ${outputs.length} files changed`);
}
