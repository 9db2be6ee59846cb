// Speed of the simulation (Benchmark.js), of the kernels and of the whole process; libraries on this CPU against the model.
// `node scripts/bench.mjs NAME [ARGUMENT...]` runs one suite: `cpu FILE` writes what it measured as CSV.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, install } from './bootstrap.mjs';
import { bundle, root } from './bundle.mjs';

install();
build();
const SUITES = [
  ['simulation', 'simulation (trace and machine loaded)'],
  ['training', '\ntraining steps with values, one thread'],
  ['blocks', '\nbasic blocks on cascadelake'],
  ['kernels', '\nkernels against TensorFlow.js, one thread each'],
  ['cpu', '\nOpenBLAS and oneDNN on one core of this CPU, and what the model says'],
];
const [only, ...suiteArguments] = process.argv.slice(2);
for (const [name, title] of SUITES.filter(([name]) => only === undefined || only === name)) {
  const path = await bundle(`bench-${name}`, { entryPoints: [`bench/${name}.ts`] }, [
    'benchmark',
    '@tensorflow/*',
    'iced-x86',
  ]);
  console.log(title);
  const { status } = spawnSync(process.execPath, [path, ...suiteArguments], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
if (only !== undefined) process.exit(0);

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
