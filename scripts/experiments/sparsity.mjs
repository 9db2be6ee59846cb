// Sparsity on MNIST: lottery tickets, pruning to a tenth, one-shot criteria. Writes reports/training/sparsity.{md,csv,png}.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, root } from '../bundle.mjs';

const path = await bundle('experiment-sparsity', { entryPoints: ['bench/experiments/sparsity/main.ts'] }, ['canvas']);
if (!existsSync(join(root, 'dist', 'kernels.wasm'))) await import('../kernels.mjs');
const { status } = spawnSync(process.execPath, [path], { stdio: 'inherit', cwd: root });
process.exit(status ?? 1);
