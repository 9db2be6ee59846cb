import { describe, expect, it } from 'vitest';
import { checkTrace } from '../../../src/trace/check.ts';
import { elements, tensorBytes, totalMacs } from '../../../src/trace/facts.ts';
import { readTrace } from '../../../src/trace/read.ts';
import type { CollectiveOp, Op, Trace } from '../../../src/trace/trace.ts';
import { writeTrace } from '../../../src/trace/write.ts';
import { bucketsOf, madeGradients } from '../../../src/training/scaling/buckets.ts';
import { dataParallel } from '../../../src/training/scaling/data-parallel.ts';
import { modelParallel } from '../../../src/training/scaling/model-parallel.ts';
import { parseParallel } from '../../../src/training/scaling/parallel.ts';
import { cutStages } from '../../../src/training/scaling/pipeline-cut.ts';
import { passesOf } from '../../../src/training/scaling/pipeline-order.ts';
import { loadTrace } from '../../../src/workload/load.ts';
import { forwardTrace, trainingTrace } from '../execute/network.ts';

const NETWORK = `input: [6]
layers:
  - linear: { name: first, out: 8, act: relu }
  - linear: { name: second, out: 8, act: relu }
  - linear: { name: classes, out: 4 }
`;

function collectives(trace: Trace): CollectiveOp[] {
  return trace.ops.filter((op): op is CollectiveOp => op.kind === 'collective');
}

function bytesGiven(trace: Trace, op: Op): number {
  return op.inputs.reduce((sum, id) => sum + tensorBytes(trace.tensors[id]!), 0);
}

function step(network: string, batch: number): Trace {
  return loadTrace(network, { phase: 'training', batch }, 'fp32');
}

const problems = (trace: Trace): unknown => checkTrace(trace.tensors, trace.ops, 'trace');

describe('data parallel', () => {
  // fp32: first 6 x 8 and 8, second 8 x 8 and 8, classes 8 x 4 and 4: 192 + 32, 256 + 32, 128 + 16 bytes.
  const whole = trainingTrace(NETWORK, 3);

  it('exchanges every gradient once: 656 bytes', () => {
    const trace = dataParallel(whole, { ranks: 4 });
    expect(collectives(trace).map((op) => [op.function, op.ranks, op.phase, bytesGiven(trace, op)])).toEqual([
      ['all-reduce', 4, 'communicate', 656],
    ]);
    expect(problems(trace)).toEqual([]);
    expect(readTrace(writeTrace(trace), 'file')).toEqual(trace);
    expect(totalMacs(trace)).toBe(totalMacs(whole));
  });

  it('closes a bucket as soon as it is full, from the last layer to the first', () => {
    const sizes = (limit: number): number[] => bucketsOf(whole, madeGradients(whole), limit).map(({ bytes }) => bytes);
    // In the order they are made: classes.bias 16, classes.weight 128, second.bias 32, second.weight 256, first.bias 32, first.weight 192.
    expect(sizes(144)).toEqual([144, 288, 224]);
    expect(sizes(145)).toEqual([176, 256, 224]);
    expect(sizes(1)).toEqual([16, 128, 32, 256, 32, 192]);
    expect(sizes(656)).toEqual([656]);
    expect(sizes(657)).toEqual([656]);
  });

  it('sends a bucket right behind the op that makes its last gradient, before the rest of the backward pass', () => {
    const trace = dataParallel(whole, { ranks: 2, bucketBytes: 144 });
    const order = trace.ops.flatMap((op) =>
      op.kind === 'collective' || op.phase === 'weight-gradient' ? [op.name] : [],
    );
    expect(order).toEqual([
      'classes.bias.weight-gradient',
      'classes.weight-gradient',
      'gradients.0',
      'second.bias.weight-gradient',
      'second.weight-gradient',
      'gradients.1',
      'first.bias.weight-gradient',
      'first.weight-gradient',
      'gradients.2',
    ]);
    const reduced = new Set(collectives(trace).flatMap((op) => op.outputs));
    for (const op of trace.ops) if (op.kind === 'update') expect(reduced.has(op.inputs[1]!)).toBe(true);
  });

  it('of ResNet-50 in fp32 moves 4 bytes for each of 25,557,032 parameters', () => {
    const trace = dataParallel(step('resnet50', 2), { ranks: 8 });
    expect(collectives(trace).reduce((sum, op) => sum + bytesGiven(trace, op), 0)).toBe(4 * 25_557_032);
    expect(collectives(trace).length).toBe(4);
  });

  it('compressed, gives a tenth of the values with a place of four bytes each', () => {
    const trace = dataParallel(whole, { ranks: 4, compressedShare: 0.1 });
    // Rounded up for each of 48, 8, 64, 8, 32, 4 elements: 5 + 1 + 7 + 1 + 4 + 1 = 19.
    const [gather] = collectives(trace);
    expect(gather!.function).toBe('all-gather');
    expect(bytesGiven(trace, gather!)).toBe(19 * (4 + 4));
    expect(gather!.outputs.reduce((sum, id) => sum + elements(trace.tensors[id]!.shape), 0)).toBe(4 * 2 * 19);
    expect(problems(trace)).toEqual([]);
  });

  it('gathers the rows of tables with their indices', () => {
    const tokens = 'inputs:\n  tokens: { shape: [3], dtype: int32 }\nlayers:\n';
    const table = trainingTrace(
      `${tokens}  - embedding: { name: words, rows: 9, width: 5 }\n  - linear: { name: out, out: 4 }\n`,
      2,
    );
    const trace = dataParallel(table, { ranks: 4 });
    const rows = collectives(trace).find((op) => op.function === 'all-gather')!;
    expect(rows.inputs.map((id) => trace.tensors[id]!.shape)).toEqual([
      [2, 3, 5],
      [2, 3],
    ]);
    expect(rows.outputs.map((id) => trace.tensors[id]!.shape)).toEqual([
      [8, 3, 5],
      [8, 3],
    ]);
    expect(problems(trace)).toEqual([]);
  });
});

describe('model parallel', () => {
  it('cuts a pair of products by columns, then by rows: one all-reduce forward and one backward', () => {
    const trace = modelParallel(trainingTrace(NETWORK, 3), 2);
    expect(problems(trace)).toEqual([]);
    const shape = (name: string): readonly number[] => trace.tensors.find((tensor) => tensor.name === name)!.shape;
    expect([shape('first.weight'), shape('first.bias')]).toEqual([[6, 4], [4]]);
    expect([shape('second.weight'), shape('second.bias')]).toEqual([[4, 8], [8]]);
    expect([shape('classes.weight'), shape('classes.bias')]).toEqual([[8, 2], [2]]);
    expect(collectives(trace).map(({ function: kind, name }) => `${kind} ${name.split('.')[0]}`)).toEqual([
      'all-reduce second',
      // The loss takes all classes.
      'all-gather classes',
      // The error of what went into the third product; the first layer's input needs none.
      'all-reduce second',
    ]);
  });

  it.each([
    ['lenet-300-100', 5],
    ['bert-base', 4],
    ['bert-base', 12],
    ['vgg16', 2],
    ['resnet50', 2],
    ['mobilenet-v1', 8],
  ])('of %s, the MACs of %d ranks are those of the whole step', (network, ranks) => {
    const whole = step(network, 2);
    const trace = modelParallel(whole, ranks);
    expect(problems(trace)).toEqual([]);
    expect(ranks * totalMacs(trace)).toBe(totalMacs(whole));
  });

  it('of a transformer layer all-reduces twice forward and twice backward, as Megatron does', () => {
    const layer = `input: [8, 16]
layers:
  - attention: { name: self, from: input, heads: 4 }
  - add: { name: sum1, from: [self, input] }
  - norm: { name: norm1, function: layer }
  - linear: { name: ff1, out: 64, act: gelu }
  - linear: { name: ff2, out: 16 }
  - add: { name: sum2, from: [ff2, norm1] }
  - norm: { name: norm2, function: layer }
`;
    const trace = modelParallel(trainingTrace(layer, 2), 4);
    expect(problems(trace)).toEqual([]);
    const forward = collectives(trace).filter(({ name }) => !name.includes('gradient'));
    expect(forward.map(({ name }) => name)).toEqual(['self.output.all-reduce', 'ff2.all-reduce']);
    expect(collectives(trace).every((op) => op.function === 'all-reduce')).toBe(true);
    // [2 samples, 8 positions, 16 features] in fp32.
    expect(collectives(trace).map((op) => bytesGiven(trace, op))).toEqual(Array(collectives(trace).length).fill(1024));
  });
});

describe('pipeline', () => {
  it('cuts where the largest stage is smallest', () => {
    const forward = forwardTrace(NETWORK, 1);
    // MACs: 48, 64, 32; each with its bias, and a function behind the first two.
    expect(cutStages(forward, 1)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(cutStages(forward, 2)).toEqual([0, 0, 0, 1, 1, 1, 1, 1]);
    expect(cutStages(forward, 3)).toEqual([0, 0, 0, 1, 1, 1, 2, 2]);
    expect(() => cutStages(forward, 4)).toThrow('test has 3 products; use at most as many stages');
  });

  it('orders the passes of four micro-batches on two stages', () => {
    const text = (order: 'gpipe' | '1f1b', stage: number): string =>
      passesOf(order, stage, 2, 4)
        .map(({ direction, microBatch }) => `${direction[0]}${microBatch}`)
        .join(' ');
    expect(text('gpipe', 0)).toBe('f0 f1 f2 f3 b3 b2 b1 b0');
    expect(text('1f1b', 0)).toBe('f0 f1 b0 f2 b1 f3 b2 b3');
    expect(text('1f1b', 1)).toBe('f0 b0 f1 b1 f2 b2 f3 b3');
  });
});

describe('--parallel', () => {
  it('is read, with its defaults', () => {
    expect(parseParallel('data:8')).toEqual({ kind: 'data', ranks: 8 });
    expect(parseParallel('data:8:0.01')).toEqual({ kind: 'data', ranks: 8, compressedShare: 0.01 });
    expect(parseParallel('model:4')).toEqual({ kind: 'model', ranks: 4 });
    expect(parseParallel('pipeline:4')).toEqual({
      kind: 'pipeline',
      ranks: 4,
      microBatches: 4,
      order: '1f1b',
      stage: 0,
    });
    expect(parseParallel('pipeline:4:16:gpipe:3')).toEqual({
      kind: 'pipeline',
      ranks: 4,
      microBatches: 16,
      order: 'gpipe',
      stage: 3,
    });
  });

  it.each([
    '',
    'data',
    'data:',
    'data:0',
    'data:1e9',
    'data:8:2',
    'data:8:x',
    'data:8:0.1:1',
    'model:4:2',
    'tensor:4',
    'pipeline:4:0',
    'pipeline:4:2:zigzag',
    'pipeline:4:2:1f1b:4',
  ])('refuses %s', (text) => {
    expect(() => parseParallel(text)).toThrow('--parallel');
  });
});

describe('a step on its way to one rank', () => {
  it('has the batch of a rank, and says how it is spread', () => {
    const load = (text: string): Trace['workload'] =>
      loadTrace('lenet-300-100', { phase: 'training', batch: 40, parallel: parseParallel(text) }, 'fp32').workload;
    expect(load('data:8')).toMatchObject({ name: 'lenet-300-100 data:8', batch: 5 });
    expect(load('model:5')).toMatchObject({ name: 'lenet-300-100 model:5', batch: 40 });
    expect(load('pipeline:3:4:gpipe:2')).toMatchObject({ name: 'lenet-300-100 pipeline:3:4 stage 2', batch: 40 });
    expect(() => load('data:7')).toThrow('--batch: 40 samples over 7 ranks; use a multiple of 7');
    expect(() => load('pipeline:2:3')).toThrow('40 samples over 3 micro-batches');
    expect(() => load('model:11')).toThrow('no product of lenet-300-100 divides');
  });

  it('of a file is refused', () => {
    const options = { phase: 'training', parallel: parseParallel('data:2') } as const;
    expect(() => loadTrace('step.json', options, 'fp32')).toThrow('--parallel: step.json is no network');
  });

  it('whose collectives do not fit their tensors is refused', () => {
    const trace = dataParallel(trainingTrace(NETWORK, 3), { ranks: 4 });
    const broken = (change: Partial<CollectiveOp>): unknown =>
      checkTrace(
        trace.tensors,
        trace.ops.map((op) => (op.kind === 'collective' ? { ...op, ...change } : op)),
        'file',
      ).map(({ found }) => found);
    expect(broken({})).toEqual([]);
    expect(broken({ function: 'all-gather' })).toEqual(['all-gather of 164 elements makes 164']);
    expect(broken({ peer: 1 })).toEqual(['a peer of all-reduce']);
    expect(broken({ function: 'send' })).toEqual(['missing']);
  });
});
