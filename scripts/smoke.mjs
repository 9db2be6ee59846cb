// Packs the tarball, installs it into an empty folder far from the repository, runs it from there and draws charts.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'accsim-smoke-'));
const PNG = '89504e470d0a1a0a';

function run(command, args, cwd) {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
}

function check(condition, message) {
  if (!condition) throw new Error(`smoke test: ${message}`);
}

try {
  run('npm', ['pack', '--silent', '--pack-destination', folder], root);
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  run('npm', ['init', '-y', '--silent'], folder);
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `./${tarball}`], folder);
  const accsim = join(folder, 'node_modules', '.bin', 'accsim');
  const report = JSON.parse(
    run(accsim, ['--arch', 'tpuv1', 'resnet', '--format', 'json', '--charts', 'charts', '--quiet'], folder),
  );
  check(report.schema === 'accsim.report/1' && report.totals.cycles > 100000, 'the report is not plausible');
  for (const name of ['cycles.png', 'roofline.png', 'energy.png']) {
    const png = readFileSync(join(folder, 'charts', name));
    check(png.subarray(0, 8).toString('hex') === PNG && png.length > 5000, `${name} is no picture`);
  }
  console.log('the packed tarball installs, runs and draws charts');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
