import { dataPath, writeOutput } from '../../../src/files.ts';
import { chart } from './chart.ts';
import { measuredDensities, type OneShot, oneShots } from './one-shot.ts';
import { csv, type Findings, markdown } from './report.ts';
import { type Run, runsOf } from './runs.ts';

/** Runs the experiment for every seed and writes its report. */

const SEEDS = [1, 2, 3];
const start = performance.now();
const runs: Run[] = [];
let shots: OneShot[] = [];
let densities: Findings['densities'] = { dense: new Map(), pruned: new Map() };
for (const [index, seed] of SEEDS.entries()) {
  const result = runsOf(seed);
  runs.push(...result.runs);
  if (index > 0) continue;
  shots = oneShots(result.dense);
  const { dense, pruned } = result;
  densities = { dense: measuredDensities(dense, dense.end), pruned: measuredDensities(pruned, pruned.end) };
}
const { user, system } = process.cpuUsage();
const times = { cpuSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - start) / 1e3 };
const target = (extension: string): string => dataPath('reports', 'training', `sparsity.${extension}`);
writeOutput(target('csv'), csv(runs));
writeOutput(target('md'), markdown({ runs, seeds: SEEDS, oneShots: shots, densities, ...times }));
writeOutput(target('png'), chart(runs, SEEDS.length));
console.log(`wrote ${target('md')} after ${times.cpuSeconds.toFixed(0)} s of CPU`);
