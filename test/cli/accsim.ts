import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');
export const MAIN = join(ROOT, 'dist', 'main.js');

/** Builds the command line if a source is newer than the build. */
export function buildCommand(): void {
  const bootstrap = JSON.stringify(join(ROOT, 'scripts', 'bootstrap.mjs'));
  execFileSync(process.execPath, ['--input-type=module', '-e', `(await import(${bootstrap})).build()`]);
}

/** Runs the built command line in a folder. */
export function accsim(folder: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return { status, stdout, stderr };
}
