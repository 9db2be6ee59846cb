// Bundles TypeScript of this repository into dist/, for scripts that run parts of it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from './bootstrap.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Installs what is missing and returns the path of the bundle dist/NAME.mjs; `input` is esbuild's `entryPoints` or `stdin`. */
export async function bundle(name, input, external = []) {
  install();
  const { build } = await import('esbuild');
  const outfile = join(root, 'dist', `${name}.mjs`);
  await build({
    ...input,
    absWorkingDir: root,
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external,
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return outfile;
}

/** The exports that `contents` names, paths relative to the root. */
export function source(contents) {
  return { stdin: { contents, resolveDir: root, loader: 'ts' } };
}
