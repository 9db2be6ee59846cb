import Benchmark from 'benchmark';
import { dataPath } from '../src/files.ts';
import { loadMachine } from '../src/machine/load.ts';
import { gpu } from '../src/models/gpu/model.ts';
import { gemmSeconds } from '../src/models/gpu/predict/gemm.ts';
import { SCHEMAS } from '../src/models/registry.ts';
import { simulate } from '../src/simulate.ts';
import { loadTrace } from '../src/workload/load.ts';

const CASES = [
  ['tpuv1', 'resnet50', 1],
  ['tpuv1', 'resnet50', 256],
  ['tpuv1', 'tpuv1-cnn1', 32],
  ['edge-16x16', 'resnet50', 1],
  ['edge-16x16', 'resnet50', 64],
] as const;

const suite = new Benchmark.Suite();
for (const [arch, workload, batch] of CASES) {
  const machine = loadMachine(arch, [], SCHEMAS);
  const trace = loadTrace(workload, { phase: 'inference', batch }, 'int8');
  suite.add(`${workload}, batch ${batch}, on ${arch}`, () => simulate(machine, trace));
}
/** A step of MNIST training; how it is mapped is worked out in the first run. */
for (const arch of ['caterpillar-2x16', 'caterpillar-2x4'])
  for (const [workload, batch] of [
    ['lenet-300-100', 1],
    ['lenet-300-100', 50],
    [dataPath('reports', 'anchors', 'mlp-2500.yaml'), 50],
  ] as const) {
    const machine = loadMachine(arch, [], SCHEMAS);
    const trace = loadTrace(workload, { phase: 'training', optimizer: 'gd', batch, precision: 'fp16' }, 'fp16');
    suite.add(`step of ${trace.workload.name}, batch ${batch}, on ${arch}`, () => simulate(machine, trace));
  }
for (const workload of ['resnet50', 'bert-large']) {
  suite.add(`training step of ${workload} by shapes`, () =>
    loadTrace(workload, { phase: 'training', precision: 'bf16' }, 'bf16'),
  );
}
/** Products that take longest to choose a kernel for: many ways are nearly as fast as the fastest. Nothing is kept between runs. */
const COLD = [
  ['v100', 'fp16', 5124, 9124, 1760],
  ['v100', 'fp32', 3072, 24000, 1024],
  ['a100', 'bf16', 8192, 12288, 12288],
] as const;
for (const [arch, precision, m, n, k] of COLD) {
  const spec = gpu.schema.parse(loadMachine(arch, [], SCHEMAS).spec);
  const row = { m, n, k, transposeA: false, transposeB: false, precision };
  suite.add(`matmul ${m}x${n}x${k} ${precision} on ${arch}, cold`, () => gemmSeconds(spec, row, new Map()));
}
suite
  .on('cycle', (event: Benchmark.Event) => {
    const { name, stats, error } = event.target as unknown as Benchmark & { readonly error?: Error };
    if (error !== undefined) throw error;
    console.log(
      `${(name ?? '').padEnd(52)} ${((stats?.mean ?? 0) * 1e3).toFixed(2).padStart(9)} ms  +-${(stats?.rme ?? 0).toFixed(1)} %`,
    );
  })
  .run();
