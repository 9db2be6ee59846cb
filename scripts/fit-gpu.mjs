// Fits the constants that the GPU machine files call fitted, on the rows in reports/anchors, and prints them: node scripts/fit-gpu.mjs v100.
// Coordinate descent: each constant in turn is moved by a step up and down, rounded to two digits, and kept where the error falls by 0.3 %
// of itself or more; then the steps get smaller. The same numbers every time, some minutes. At the end the same is done on either half
// of the rows, and the other half tells how far the constants hold beyond the rows they come from.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'csv-parse/sync';
import YAML from 'yaml';
import { bundle, root, source } from './bundle.mjs';

const path = await bundle(
  'fit-gpu',
  source(`
    export { loadMachine } from './src/machine/load.ts';
    export { SCHEMAS } from './src/models/registry.ts';
    export { predictKernels } from './src/validate/gpu.ts';
  `),
);
const { loadMachine, predictKernels, SCHEMAS } = await import(pathToFileURL(path).href);

/** Constants of a generation, at most. */
const MOST = 12;

/** By machine: files of rows, and the constants fitted on them. Paths in one list are one constant. */
const FITS = {
  v100: [
    {
      rows: ['v100_gemm.csv', 'v100_conv.csv', 'v100_rnn.csv'],
      constants: [
        ['launch.firstUs', 'launch.nextUs'],
        ['memory.latencyCycles'],
        ['memory.streamShare'],
        ['memory.stridedShare'],
        ['memory.sectorShare'],
        ['library.prologueInstructions'],
      ],
    },
    {
      rows: ['v100_rnn.csv'],
      constants: [
        ['library.recurrence.startUs'],
        ['library.recurrence.kernelUs'],
        ['library.recurrence.queuedKernelUs'],
      ],
    },
  ],
  p100: [{ rows: ['p100_gemm.csv'], constants: [['launch.firstUs'], ['memory.latencyCycles']] }],
  a100: [
    {
      rows: ['a100_gemm.csv', 'a100_vector.csv', 'a100_transformer.csv'],
      constants: [
        ['memory.streamShare'],
        ['fp16', 'bf16', 'tf32', 'int8', 'int4'].map((format) => `math.${format}.occupiesCycles`),
      ],
    },
  ],
};

/** Fitted too, but chosen from a few or found on something else than times of kernels. */
const BY_HAND = [
  'library.maxSlices',
  'library.convTileColumns',
  'library.recurrence.plain',
  'library.scatter',
  'library.recurrence.tile',
  'energy.dynamicScale',
];

const STEPS = [0.2, 0.1, 0.05];
/** Share of the error that a move must save: less is what a few rows do. */
const LEAST_GAIN = 0.003;

const machine = process.argv[2];
const fits = FITS[machine];
if (fits === undefined) {
  console.error(`fit-gpu: name one of ${Object.keys(FITS).join(', ')}`);
  process.exit(1);
}

/** The keys a path leads through; formats such as fp16+fp32 hold no dot. */
function holderOf(spec, path) {
  const keys = path.split('.');
  const last = keys.pop();
  return [keys.reduce((value, key) => value[key], spec), last];
}

function valueAt(spec, [path]) {
  const [holder, key] = holderOf(spec, path);
  return holder[key];
}

function withValue(spec, paths, value) {
  const copy = structuredClone(spec);
  for (const path of paths) {
    const [holder, key] = holderOf(copy, path);
    holder[key] = value;
  }
  return copy;
}

/** Fails if the machine file calls something fitted that is not listed here, or the other way round. */
function checkSources() {
  const { sources } = YAML.parse(readFileSync(join(root, 'arch', `${machine}.yaml`), 'utf8'));
  const fitted = Object.keys(sources).filter((path) => sources[path].kind === 'fitted');
  const constants = fits.flatMap((fit) => fit.constants);
  const known = [...constants.flat(), ...BY_HAND];
  const covers = (source, path) => path === source || path.startsWith(`${source}.`);
  const wrong = [
    ...fitted.filter((source) => !known.some((path) => covers(source, path))),
    ...constants.flat().filter((path) => !fitted.some((source) => covers(source, path))),
  ];
  if (wrong.length > 0) throw new Error(`listed here or in the file only: ${wrong.join(', ')}`);
  const byHand = fitted.filter((source) => BY_HAND.includes(source)).length;
  console.log(`${machine}: ${constants.length} constants fitted here and ${byHand} by hand, of ${MOST} at most`);
  if (constants.length + byHand > MOST) process.exitCode = 1;
}

/** Rows of one problem, all passes and formats of it, fall on the same side. */
function halfOf({ id }) {
  const problem = id.split(':')[2] ?? id;
  let hash = 2166136261;
  for (const character of problem) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  return (hash >>> 15) & 1;
}

/** Mean absolute error in percent: the mean over sets of one file, format and pass. */
function errorOf(spec, files) {
  const sets = new Map();
  for (const { name, records } of files)
    for (const { id, measured, predicted } of predictKernels(spec, records)) {
      const [, format, , pass] = id.split(':');
      const set = name === 'a100_transformer.csv' ? name : [name, format, pass].join();
      sets.set(set, [...(sets.get(set) ?? []), (100 * Math.abs(predicted - measured)) / measured]);
    }
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return mean([...sets.values()].map(mean));
}

function descend(start, constants, files) {
  let spec = start;
  let error = errorOf(spec, files);
  for (const step of STEPS)
    for (const paths of constants)
      for (const factor of [1 + step, 1 - step]) {
        for (;;) {
          const now = valueAt(spec, paths);
          const rounded = Number((now * factor).toPrecision(2));
          const next = paths[0].endsWith('Share') ? Math.min(1, rounded) : rounded;
          if (next === now) break;
          const moved = withValue(spec, paths, next);
          const movedError = errorOf(moved, files);
          if (movedError > error * (1 - LEAST_GAIN)) break;
          spec = moved;
          error = movedError;
        }
      }
  return spec;
}

checkSources();
const { spec } = loadMachine(machine, [], SCHEMAS);
for (const { rows, constants } of fits) {
  const files = rows.map((name) => ({
    name,
    records: parse(readFileSync(join(root, 'reports', 'anchors', name), 'utf8'), { columns: true }),
  }));
  const found = descend(spec, constants, files);
  console.log(
    `${rows.join(', ')}: ${errorOf(spec, files).toFixed(2)} % as the file stands, ${errorOf(found, files).toFixed(2)} % with`,
  );
  for (const paths of constants)
    console.log(`  ${paths.join(', ')}: ${valueAt(found, paths)} (now ${valueAt(spec, paths)})`);
  for (const half of [0, 1]) {
    const side = (which) =>
      files.map(({ name, records }) => ({ name, records: records.filter((record) => halfOf(record) === which) }));
    const [own, other] = [side(half), side(1 - half)];
    const fitted = descend(spec, constants, own);
    const change = (part) => `${errorOf(spec, part).toFixed(2)} -> ${errorOf(fitted, part).toFixed(2)} %`;
    console.log(`  fitted on half ${half + 1}: ${change(own)}; on the other half: ${change(other)}`);
  }
}
