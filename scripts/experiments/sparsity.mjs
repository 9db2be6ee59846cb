// Sparsity on MNIST: lottery tickets, pruning to a tenth, one-shot criteria. Writes reports/training/sparsity.{md,csv,png}.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from '../bootstrap.mjs';

install();
const { build } = await import('esbuild');
const root = fileURLToPath(new URL('../..', import.meta.url));
if (!existsSync(join(root, 'dist', 'kernels.wasm'))) await import('../kernels.mjs');
const bundle = join(root, 'dist', 'experiment-sparsity.mjs');
await build({
  absWorkingDir: root,
  entryPoints: ['bench/experiments/sparsity/main.ts'],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['canvas'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
const { status } = spawnSync(process.execPath, [bundle], { stdio: 'inherit', cwd: root });
process.exit(status ?? 1);
