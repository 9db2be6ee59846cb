// Compiles the WebAssembly kernels (AssemblyScript) into dist/kernels.wasm.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Pages of 64 KiB that the module may ever be given: 3 GiB. The same number stands in src/numerics/kernels/heap.ts. */
const MAXIMUM_PAGES = 49152;

mkdirSync(join(root, 'dist'), { recursive: true });
const { error, stderr } = await asc.main([
  'src/numerics/kernels/wasm/index.ts',
  ...['--baseDir', root, '--outFile', 'dist/kernels.wasm'],
  ...['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--enable', 'threads'],
  ...['--importMemory', '--noExportMemory', '--sharedMemory', '--maximumMemory', String(MAXIMUM_PAGES)],
]);
if (error) {
  console.error(stderr.toString());
  process.exit(1);
}
