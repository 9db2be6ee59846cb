// Fits the constants that arch/network/a100x4.yaml and p100-pcie.yaml call fitted, on the rows in reports/anchors, and prints them.
// The search is a seeded descent by random steps in the logarithms: the same numbers every time, half a minute.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'csv-parse/sync';
import { bundle, root, source } from './bundle.mjs';

const path = await bundle(
  'fit-network',
  source(`
    export { loadNetworkFile } from './src/units/network/load.ts';
    export { buildTopology } from './src/units/network/topology.ts';
    export { simulateCollective } from './src/units/network/collective.ts';
  `),
);
const { buildTopology, loadNetworkFile, simulateCollective } = await import(pathToFileURL(path).href);

const FITS = [
  {
    network: 'a100x4',
    rows: 'a100_allreduce.csv',
    constants: [
      'library.launchUs',
      'library.protocols.LL.bandwidthShare',
      'library.protocols.LL128.messageUs',
      'library.protocols.LL128.bandwidthShare',
      'library.protocols.Simple.messageUs',
    ],
  },
  { network: 'p100-pcie', rows: 'p100_allreduce.csv', constants: ['links.infiniband.payloadShare'] },
];
const STEPS = 1500;

/** Mulberry32: the same numbers in [0, 1) for the same seed. */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function valueAt(spec, path) {
  return path.split('.').reduce((value, key) => value[key], spec);
}

function withValues(spec, paths, values) {
  const copy = structuredClone(spec);
  paths.forEach((path, index) => {
    const keys = path.split('.');
    valueAt(copy, keys.slice(0, -1).join('.'))[keys.at(-1)] = values[index];
  });
  return copy;
}

for (const { network, rows, constants } of FITS) {
  const records = parse(readFileSync(join(root, 'reports', 'anchors', rows), 'utf8'), { columns: true });
  const { spec } = loadNetworkFile(network);
  const errorOf = (values) => {
    const topology = buildTopology(network, withValues(spec, constants, values));
    const errors = records.map(({ bytes, ranks, time_ms }) => {
      const request = { topology, collective: 'all-reduce', ranks: Number(ranks), bytes: Number(bytes) };
      return Math.abs((simulateCollective(request).seconds * 1e3) / Number(time_ms) - 1);
    });
    return (100 * errors.reduce((sum, error) => sum + error, 0)) / errors.length;
  };
  const random = randomNumbers(1);
  let best = constants.map((path) => valueAt(spec, path));
  let error = errorOf(best);
  console.log(`${network}: ${error.toFixed(2)} % as the file stands`);
  for (let step = 0; step < STEPS; step++) {
    const width = 0.2 * (1 - step / STEPS) + 0.002;
    const next = best.map((value) => (random() < 0.5 ? value : value * Math.exp(width * (2 * random() - 1))));
    const nextError = errorOf(next);
    if (nextError >= error) continue;
    best = next;
    error = nextError;
  }
  console.log(`${network}: ${error.toFixed(2)} % with`);
  constants.forEach((path, index) => console.log(`  ${path}: ${Number(best[index].toPrecision(4))}`));
}
