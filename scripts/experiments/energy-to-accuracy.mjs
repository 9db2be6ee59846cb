// Energy and time to each accuracy on MNIST on the CATERPILLAR machines; writes reports/caterpillar/energy-to-accuracy.{md,json,csv} and charts.
// `--report` writes the report anew from the training runs that are kept in the JSON file.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, root } from '../bundle.mjs';

const entryPoints = ['bench/experiments/energy/main.ts'];
const path = await bundle('experiment-energy-to-accuracy', { entryPoints }, ['canvas']);
if (!existsSync(join(root, 'dist', 'kernels.wasm'))) await import('../kernels.mjs');
const { status } = spawnSync(process.execPath, [path, ...process.argv.slice(2)], { stdio: 'inherit', cwd: root });
process.exit(status ?? 1);
