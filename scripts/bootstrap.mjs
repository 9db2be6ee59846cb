// What `npm start` and `npm test` need before they can run: locked packages and, for the command line, a fresh build.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) latest = Math.max(latest, modified(join(entry.parentPath ?? entry.path, entry.name)));
  }
  return latest;
}

/** Runs a command with all its output on stderr: stdout belongs to the tool. */
function run(command, args) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}

export function install() {
  if (modified(join(root, 'node_modules', '.package-lock.json')) >= modified(join(root, 'package-lock.json'))) return;
  console.error('accsim: installing packages (once) ...');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

export function build() {
  const sources = Math.max(
    newest(join(root, 'src')),
    modified(join(root, 'package.json')),
    modified(join(root, 'scripts', 'build.mjs')),
    modified(join(root, 'scripts', 'kernels.mjs')),
  );
  const built = Math.min(modified(join(root, 'dist', 'main.js')), modified(join(root, 'dist', 'kernels.wasm')));
  if (built >= sources) return;
  run(process.execPath, [join(root, 'scripts', 'build.mjs')]);
}
