import { describe, expect, it } from 'vitest';
import { plainContractions } from '../../../src/numerics/ops/plain-contractions.ts';
import { Random } from '../../../src/numerics/random.ts';
import { checkTrace } from '../../../src/trace/check.ts';
import { elements, totalMacs } from '../../../src/trace/facts.ts';
import type { Op, Tensor, Trace } from '../../../src/trace/trace.ts';
import { Session } from '../../../src/training/execute/session.ts';
import { pipelineStages } from '../../../src/training/scaling/pipeline.ts';
import { PIPELINE_ORDERS } from '../../../src/training/scaling/pipeline-order.ts';
import { buildTrace } from '../../../src/workload/build.ts';
import { loadNetwork, loadTrace } from '../../../src/workload/load.ts';
import { parsePrecision } from '../../../src/workload/precision.ts';
import { forwardTrace, trainingTrace } from '../execute/network.ts';

const OPTIONS = { optimizer: 'momentum', precision: parsePrecision('fp32') } as const;
// The sum reads a result of an earlier stage, which travels past the one between.
const RESIDUAL = `input: [6]
layers:
  - linear: { name: first, out: 8, act: tanh }
  - linear: { name: second, out: 8, act: tanh }
  - add: { name: sum, from: [second, first] }
  - linear: { name: third, out: 8, act: tanh }
  - linear: { name: classes, out: 4 }
`;

/**
 * The stages as one trace, in an order in which everything received was sent: a receive copies what was sent under its name. Fails if
 * the stages wait for each other.
 */
function stitched(stages: readonly Trace[]): Trace {
  const tensors: Tensor[] = [];
  const ops: Op[] = [];
  const weights = new Map<string, number>();
  const sent = new Map<string, number>();
  const ids = stages.map(({ tensors: own }) =>
    own.map((tensor) => {
      const known = tensor.role === 'weight' ? weights.get(tensor.name) : undefined;
      if (known !== undefined) return known;
      const id = tensors.push(tensor) - 1;
      if (tensor.role === 'weight') weights.set(tensor.name, id);
      return id;
    }),
  );
  const next = stages.map(() => 0);
  const advance = (stage: number): boolean => {
    const op = stages[stage]!.ops[next[stage]!];
    if (op === undefined) return false;
    const of = (id: number): number => ids[stage]![id]!;
    const [inputs, outputs] = [op.inputs.map(of), op.outputs.map(of)];
    if (op.kind === 'collective') {
      const key = (from: number, to: number): string =>
        `${tensors[op.function === 'send' ? outputs[0]! : inputs[0]!]!.name} ${from} ${to}`;
      if (op.function === 'send') sent.set(key(stage, op.peer!), inputs[0]!);
      else {
        const source = sent.get(key(op.peer!, stage));
        if (source === undefined) return false;
        const { id, name, phase } = op;
        // What arrives is no input of the whole.
        tensors[inputs[0]!] = { ...tensors[inputs[0]!]!, role: 'activation' };
        if (source !== outputs[0])
          ops.push({ kind: 'move', function: 'copy', id, name, phase, inputs: [source], outputs });
      }
    } else ops.push({ ...op, inputs, outputs } as Op);
    next[stage]!++;
    return true;
  };
  let moved = true;
  while (moved) {
    moved = false;
    for (let stage = 0; stage < stages.length; stage++) while (advance(stage)) moved = true;
  }
  expect(next).toEqual(stages.map(({ ops: own }) => own.length));
  // Updates come last in a step.
  const updates = ops.filter((op) => op.kind === 'update');
  const others = ops.filter((op) => op.kind !== 'update');
  const numbered = [...others, ...updates].map((op, index) => ({ ...op, id: String(index) }));
  return { ...stages[0]!, tensors, ops: numbered };
}

describe('a pipeline', () => {
  for (const order of PIPELINE_ORDERS)
    it.each([
      [2, 1],
      [2, 4],
      [4, 2],
      [3, 6],
    ])(
      `in the order ${order}, of %d stages and %d micro-batches, trains as one machine does`,
      (count, microBatches) => {
        const batch = 12;
        const stages = pipelineStages(forwardTrace(RESIDUAL, batch / microBatches), OPTIONS, {
          stages: count,
          microBatches,
          order,
        });
        for (const stage of stages) expect(checkTrace(stage.tensors, stage.ops, 'stage')).toEqual([]);
        const whole = trainingTrace(RESIDUAL, batch, 'momentum');
        expect(stages.reduce((sum, stage) => sum + totalMacs(stage), 0)).toBe(totalMacs(whole));
        const random = Random.seeded(2);
        const values = Float64Array.from({ length: 6 * batch }, () => random.normal());
        const classes = Int32Array.from({ length: batch }, () => random.below(4));
        const trained = [whole, stitched(stages)].map((trace) => {
          const session = new Session(trace, { seed: 3, contractions: plainContractions('float64') });
          const inputs = Object.fromEntries(
            trace.tensors.flatMap(({ name, shape, role, dtype }) => {
              if (role !== 'input') return [];
              const part = Number(/micro-batch\.(\d+)$/.exec(name)?.[1] ?? 0);
              const all = dtype === 'int32' ? classes : values;
              return [[name, all.subarray(part * elements(shape), (part + 1) * elements(shape))]];
            }),
          );
          for (let step = 0; step < 3; step++) session.run(inputs, { learningRate: 0.1 });
          return session;
        });
        for (const name of ['first.weight', 'second.bias', 'third.weight', 'classes.bias'])
          trained[0]!
            .weight(name)
            .forEach((value, index) => expect(trained[1]!.weight(name)[index], name).toBeCloseTo(value, 10));
      },
    );

  it.each(['gpt2', 'resnet50', 'gnmt'])('of %s has all MACs, and every receive its send', (name) => {
    const network = loadNetwork(name);
    const forward = buildTrace(network, {
      batch: 1,
      precision: OPTIONS.precision,
      precisionText: 'fp32',
      training: true,
    });
    const stages = pipelineStages(forward, OPTIONS, { stages: 4, microBatches: 4, order: '1f1b' });
    const whole = loadTrace(name, { phase: 'training', batch: 4 }, 'fp32');
    expect(stages.reduce((sum, stage) => sum + totalMacs(stage), 0)).toBe(totalMacs(whole));
    const links = (kind: 'send' | 'receive'): string[] =>
      stages.flatMap(({ tensors, ops }, stage) =>
        ops.flatMap((op) => {
          if (op.kind !== 'collective' || op.function !== kind) return [];
          const { name: tensor } = tensors[kind === 'send' ? op.outputs[0]! : op.inputs[0]!]!;
          return [kind === 'send' ? `${tensor} ${stage}>${op.peer}` : `${tensor} ${op.peer}>${stage}`];
        }),
      );
    expect(links('send').sort()).toEqual(links('receive').sort());
    expect(links('send').length).toBeGreaterThanOrEqual(4 * 2 * 3);
    for (const stage of stages) expect(checkTrace(stage.tensors, stage.ops, 'stage')).toEqual([]);
  });

  it('keeps fewer activations in the order 1f1b', () => {
    const first = (order: 'gpipe' | '1f1b'): number => {
      const [stage] = pipelineStages(forwardTrace(RESIDUAL, 1), OPTIONS, { stages: 2, microBatches: 8, order });
      let ahead = 0;
      let most = 0;
      for (const op of stage!.ops) {
        if (op.name === 'first') ahead++;
        if (op.name === 'first.weight-gradient') ahead--;
        most = Math.max(most, ahead);
      }
      return most;
    };
    expect([first('gpipe'), first('1f1b')]).toEqual([8, 2]);
  });

  it('refuses more stages than products, and feedback that jumps over stages', () => {
    const forward = forwardTrace(RESIDUAL, 1);
    const options = { stages: 5, microBatches: 1, order: '1f1b' } as const;
    expect(() => pipelineStages(forward, OPTIONS, options)).toThrow('test has 4 products');
    expect(() => pipelineStages(forward, { ...OPTIONS, feedback: 'direct' }, { ...options, stages: 2 })).toThrow(
      'direct in a pipeline',
    );
  });
});
