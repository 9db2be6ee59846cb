// Speed of the simulation (Benchmark.js), of the kernels and of the whole process.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as buildTool, install } from './bootstrap.mjs';

install();
buildTool();
const { build } = await import('esbuild');
const root = fileURLToPath(new URL('..', import.meta.url));
const SUITES = [
  ['simulation', 'simulation (trace and machine loaded)'],
  ['kernels', '\nkernels against TensorFlow.js, one thread each'],
];
for (const [name, title] of SUITES) {
  const bundle = join(root, 'dist', `bench-${name}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [`bench/${name}.ts`],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['benchmark', '@tensorflow/*'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  console.log(title);
  const { status } = spawnSync(process.execPath, [bundle], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const RUNS = 15;
const times = [];
let memory = 0;
const program = `process.argv.splice(1, 0, 'accsim'); process.on('exit', () => process.stderr.write(String(process.resourceUsage().maxRSS))); await import(${JSON.stringify(join(root, 'dist', 'main.js'))});`;
for (let index = 0; index < RUNS; index++) {
  const start = process.hrtime.bigint();
  const { stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', program, '--', '--arch', 'tpuv1', 'resnet'],
    { encoding: 'utf8' },
  );
  times.push(Number(process.hrtime.bigint() - start) / 1e9);
  memory = Math.max(memory, Number(stderr));
}
times.sort((left, right) => left - right);
console.log(
  `\nwhole process, accsim --arch tpuv1 resnet: median ${times[RUNS >> 1].toFixed(2)} s, best ${times[0].toFixed(2)} s, at most ${Math.round(memory / 1024)} MB`,
);
