// What the energy of the CATERPILLAR machines owes to the width of memory A's lines and the price of memory B; writes reports/caterpillar/memory-lines.md.
import { spawnSync } from 'node:child_process';
import { bundle, root } from '../bundle.mjs';

const path = await bundle('experiment-memory-lines', { entryPoints: ['bench/experiments/memory-lines.ts'] });
const { status } = spawnSync(process.execPath, [path], { stdio: 'inherit', cwd: root });
process.exit(status ?? 1);
