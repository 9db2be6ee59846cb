// Writes the golden reports anew. They change only together with a sentence on why, in the commit that changes the model.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, install } from './bootstrap.mjs';
import { GOLDEN_CASES, GOLDEN_FORMATS } from './golden-cases.mjs';

install();
build();
const root = fileURLToPath(new URL('..', import.meta.url));
for (const [name, args] of GOLDEN_CASES) {
  for (const [extension, format] of Object.entries(GOLDEN_FORMATS)) {
    const out = join(root, 'reports', 'golden', `${name}.${extension}`);
    const command = [join(root, 'dist', 'main.js'), ...args, '--format', format, '--out', out, '--quiet'];
    const { status } = spawnSync(process.execPath, command, { stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
}
