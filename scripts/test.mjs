// `npm test -- ARGS`: all tests from a fresh clone.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build, install } from './bootstrap.mjs';

install();
build();
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, 'run', ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
