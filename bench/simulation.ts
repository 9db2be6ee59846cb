import Benchmark from 'benchmark';
import { loadMachine } from '../src/machine/load.ts';
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
for (const workload of ['resnet50', 'bert-large']) {
  suite.add(`training step of ${workload} by shapes`, () =>
    loadTrace(workload, { phase: 'training', precision: 'bf16' }, 'bf16'),
  );
}
suite
  .on('cycle', (event: Benchmark.Event) => {
    const { name, stats, error } = event.target as unknown as Benchmark & { readonly error?: Error };
    if (error !== undefined) throw error;
    console.log(
      `${(name ?? '').padEnd(40)} ${((stats?.mean ?? 0) * 1e3).toFixed(2).padStart(9)} ms  +-${(stats?.rme ?? 0).toFixed(1)} %`,
    );
  })
  .run();
