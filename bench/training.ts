import Benchmark from 'benchmark';
import { dataPath, readInputBytes } from '../src/files.ts';
import { createKernels } from '../src/numerics/kernels/kernels.ts';
import { Session } from '../src/training/execute/session.ts';
import { fastContractions } from '../src/training/fast-contractions.ts';
import type { Optimizer } from '../src/training/optimizers.ts';
import { loadTrace, type TraceOptions } from '../src/workload/load.ts';

/** Training steps with values on inputs that are made up, one thread. */

type Options = Pick<TraceOptions, 'feedback' | 'propagation'>;

const CASES: readonly [string, string, number, Optimizer, Options][] = [
  ['sgd', 'lenet-300-100', 1, 'gd', {}],
  ['continuous propagation', 'lenet-300-100', 1, 'gd', { propagation: 'pipelined' }],
  ['sgd', 'reports/anchors/mlp-500.yaml', 1, 'gd', {}],
  ['continuous propagation', 'reports/anchors/mlp-500.yaml', 1, 'gd', { propagation: 'pipelined' }],
  ['feedback alignment', 'reports/anchors/mlp-500.yaml', 1, 'gd', { feedback: 'alignment' }],
  ['direct feedback alignment', 'reports/anchors/mlp-500.yaml', 1, 'gd', { feedback: 'direct' }],
  ['mini-batch', 'lenet-300-100', 50, 'gd', {}],
  ['mini-batch, momentum', 'lenet-300-100', 50, 'momentum', {}],
  ['mini-batch', 'reports/anchors/mlp-500.yaml', 50, 'gd', {}],
];

const contractions = fastContractions(createKernels(readInputBytes(dataPath('dist', 'kernels.wasm'))));
const suite = new Benchmark.Suite();
for (const [method, path, batch, optimizer, options] of CASES) {
  const trace = loadTrace(path, { ...options, phase: 'training', precision: 'fp32', batch, optimizer }, 'fp32');
  const session = new Session(trace, { seed: 1, contractions });
  const inputs = Object.fromEntries(
    trace.tensors.flatMap(({ name, shape, role, dtype }) => {
      const count = shape.reduce((product, length) => product * length, 1);
      const value = (index: number): number => (dtype === 'int32' ? index % 10 : Math.sin(index));
      return role === 'input' ? [[name, Float32Array.from({ length: count }, (_, index) => value(index))]] : [];
    }),
  );
  const name = `${trace.workload.name}, batch ${batch}, ${method}`;
  suite.add(name, () => session.run(inputs, { learningRate: 1e-4 }));
}
suite
  .on('cycle', (event: Benchmark.Event) => {
    const { name, stats, error } = event.target as unknown as Benchmark & { readonly error?: Error };
    if (error !== undefined) throw error;
    const [mean, best] = [stats?.mean ?? 0, Math.min(...(stats?.sample ?? []))];
    console.log(
      `${(name ?? '').padEnd(58)} ${(mean * 1e3).toFixed(2).padStart(7)} ms, best ${(best * 1e3).toFixed(2).padStart(7)}`,
    );
  })
  .run();
