// Bundles the command line and compiles the kernels into dist/, so that an installed package needs nothing but the chart canvas.
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
/** zod carries its messages in fifty languages; only English is used, and the rest would be parsed at every start. */
const englishOnly = {
  name: 'english-only',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /locales\/index\.js$/ }, ({ resolveDir, importer, kind }) =>
      importer.includes('zod') ? resolve('../locales/en.js', { resolveDir, importer, kind }) : undefined,
    );
  },
};

const result = await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minify: true,
  metafile: true,
  // chartjs-node-canvas asks for `canvas` when it draws; package.json makes that @napi-rs/canvas, which needs no system library.
  external: ['canvas'],
  plugins: [englishOnly],
  banner: {
    // iced-x86 reads its WebAssembly from its own folder.
    js: [
      "import { createRequire as __createRequire } from 'node:module';",
      "import { fileURLToPath as __fileURLToPath } from 'node:url';",
      'const require = __createRequire(import.meta.url);',
      "const __dirname = __fileURLToPath(new URL('.', import.meta.url));",
    ].join(' '),
  },
  logLevel: 'warning',
});

// The page of `accsim step` runs the machine itself, in a browser.
await build({
  absWorkingDir: root,
  entryPoints: { 'step-page': 'src/step/page/main.ts' },
  outdir: 'dist',
  bundle: true,
  platform: 'browser',
  format: 'iife',
  target: 'es2022',
  minify: true,
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'warning',
});

copyFileSync(join(root, 'node_modules/iced-x86/iced_x86_bg.wasm'), join(dist, 'iced_x86_bg.wasm'));

// The licences of everything bundled go with the bundle.
const packages = new Set();
for (const input of Object.keys(result.metafile.inputs)) {
  const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (match) packages.add(match[1]);
}
const texts = [...packages].sort().map((name) => {
  const folder = join(root, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = existsSync(folder)
    ? readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry))
    : undefined;
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`));

await import('./kernels.mjs');
