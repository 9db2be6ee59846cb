import { plainContractions } from '../../../src/numerics/ops/plain-contractions.ts';
import { Random } from '../../../src/numerics/random.ts';
import { elements } from '../../../src/trace/facts.ts';
import { TraceBuilder } from '../../../src/trace/builder.ts';
import type { TensorId, Trace } from '../../../src/trace/trace.ts';
import type { Inputs } from '../../../src/training/execute/inputs.ts';
import { Session, type SessionOptions } from '../../../src/training/execute/session.ts';
import type { Optimizer } from '../../../src/training/optimizers.ts';
import { trainingStep } from '../../../src/training/step.ts';
import { buildTrace } from '../../../src/workload/build.ts';
import { parseNetwork } from '../../../src/workload/network.ts';
import { parsePrecision } from '../../../src/workload/precision.ts';
import { parseYaml } from '../../../src/yaml.ts';

/** Forward pass of a network given as the text of its file, without its name. */
export function forwardTrace(text: string, batch: number, precisionText = 'fp32', training = false): Trace {
  const network = parseNetwork(parseYaml(`name: test\n${text}`, 'test.yaml'), 'test.yaml');
  return buildTrace(network, { batch, precision: parsePrecision(precisionText), precisionText, training });
}

export function trainingTrace(text: string, batch: number, optimizer: Optimizer = 'gd', precision = 'fp32'): Trace {
  return trainingStep(forwardTrace(text, batch, precision, true), { optimizer, precision: parsePrecision(precision) });
}

/** The training step of a network [3, 5] -> hidden [3, 4] -> what is recorded, of the same shape -> tanh -> [3, 3] classes. */
export function recordedTrace(record: (builder: TraceBuilder, hidden: TensorId) => TensorId): Trace {
  const precision = parsePrecision('fp32');
  const builder = new TraceBuilder(3, precision);
  const input = builder.tensor('input', [3, 5], 'input', 'fp32');
  const product = (name: string, from: TensorId, k: number, n: number): TensorId =>
    builder.op(
      { kind: 'matmul', name, inputs: [from, builder.weight(`${name}.weight`, [k, n])], batch: 1, m: 3, n, k },
      [3, n],
    );
  const recorded = record(builder, product('first', input, 5, 4));
  const bent = builder.op({ kind: 'elementwise', function: 'tanh', name: 'tanh', inputs: [recorded] }, [3, 4]);
  const output = product('classes', bent, 4, 3);
  builder.tensors[output] = { ...builder.tensors[output]!, role: 'output' };
  const workload = { name: 'test', batch: 3, phase: 'inference', precision: 'fp32' } as const;
  const forward = { schema: 'accsim.trace/1', workload, tensors: builder.tensors, ops: builder.ops } as const;
  return trainingStep(forward, { optimizer: 'gd', precision });
}

/** A session in double precision. */
export function exactSession(trace: Trace, options: Partial<SessionOptions> = {}): Session {
  return new Session(trace, { seed: 1, contractions: plainContractions('float64'), ...options });
}

/**
 * Made-up inputs of a trace: normal numbers, for targets any class, for other whole numbers any row of the smallest table (so
 * that indices occur more than once).
 */
export function inputsFor(trace: Trace, seed = 1): Inputs {
  const rows = trace.ops.flatMap((op) => (op.kind === 'gather' ? [trace.tensors[op.inputs[0]!]!.shape[0]!] : []));
  return Object.fromEntries(
    trace.tensors.flatMap(({ name, shape, role, dtype }, id) => {
      if (role !== 'input') return [];
      const random = Random.named(seed, name);
      const draw = (): number => (dtype === 'int32' ? random.below(limitOf(trace, id, rows)) : random.normal());
      return [[name, Array.from({ length: elements(shape) }, draw)]];
    }),
  );
}

function limitOf(trace: Trace, id: number, rows: readonly number[]): number {
  const loss = trace.ops.find((op) => op.inputs[1] === id && op.kind === 'elementwise' && op.function === 'loss');
  if (loss === undefined) return Math.min(...rows);
  const { shape } = trace.tensors[loss.inputs[0]!]!;
  return shape[shape.length === 4 ? 1 : shape.length - 1]!;
}
