// What experiments that train with the command line share.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The report of a training run on MNIST with the given options; ends the experiment where training fails. */
export function train(...options) {
  const command = [
    join(root, 'dist', 'main.js'),
    'train',
    ...options,
    '--dataset',
    'mnist',
    '--quiet',
    '--format',
    'json',
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status === 0) return JSON.parse(stdout);
  console.error(stderr);
  process.exit(1);
}

export const percent = (share) => `${(100 * share).toFixed(2)} %`;

/** Writes a file of reports/training. */
export function writeReport(name, text) {
  const folder = join(root, 'reports', 'training');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
}
