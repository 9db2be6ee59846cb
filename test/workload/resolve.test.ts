import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { writeTrace } from '../../src/trace/write.ts';
import { loadNetwork, loadTrace } from '../../src/workload/load.ts';
import { resolveWorkload } from '../../src/workload/resolve.ts';

const inference = { phase: 'inference' } as const;

function problemsOf(run: () => unknown): readonly { where: string; found: string; remedy: string }[] {
  try {
    run();
  } catch (error) {
    if (error instanceof InputError) return error.problems;
    throw error;
  }
  throw new Error('no InputError was thrown');
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'accsim-workload-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('finding a workload', () => {
  it.each(['resnet50', 'ResNet50', 'resnet', 'RESNET-50'])('%s is ResNet-50', (text) => {
    expect(loadNetwork(text).name).toBe('resnet50');
  });

  it('an unknown name gets the nearest one', () => {
    expect(problemsOf(() => resolveWorkload('resnet5'))[0]!.remedy).toMatch(/did you mean resnet50\?/);
    expect(problemsOf(() => resolveWorkload('sqeezenet'))[0]!.remedy).toBe('did you mean squeezenet?');
  });

  it.each(['aliases', '../arch/tpuv1', '', 'a b', '__proto__', 'constructor', 'toString'])(
    '%j is refused without a stack trace',
    (text) => {
      expect(problemsOf(() => resolveWorkload(text)).length).toBe(1);
    },
  );

  it('an unknown inline kind gets the nearest one', () => {
    expect(problemsOf(() => resolveWorkload('matmull:1x2x3'))[0]!.remedy).toBe('did you mean matmul?');
  });

  it('a missing file is named', () => {
    const path = join(folder, 'none.yaml');
    expect(problemsOf(() => resolveWorkload(path))[0]).toMatchObject({ where: path });
  });

  it('a network file, a layer list and a trace are told by their endings', () => {
    const network = file(
      'net.yaml',
      'name: mine\ninput: [8]\nbatch: 4\nprecision: int8/int16\nlayers:\n  - linear: { out: 2 }\n',
    );
    const trace = loadTrace(network, inference, 'fp32');
    expect(trace.workload).toEqual({ name: 'mine', batch: 4, phase: 'inference', precision: 'int8/int16' });
    const saved = file('saved.json', writeTrace(trace));
    expect(loadTrace(saved, inference, 'fp32')).toEqual(trace);
    const list = file('list.CSV', 'layer,M,N,K\na,2,3,4\n');
    expect(loadTrace(list, { ...inference, batch: 5 }, 'int8').ops[0]).toMatchObject({
      kind: 'matmul',
      m: 10,
      n: 3,
      k: 4,
    });
  });
});

describe('batch, precision and phase', () => {
  it('the flag is stronger than the workload, the workload than the machine', () => {
    expect(loadTrace('resnet50', inference, 'bf16').workload.precision).toBe('bf16');
    expect(loadTrace('resnet50', { ...inference, precision: 'int8/int16' }, 'bf16').tensors[0]!.dtype).toBe('int16');
    expect(loadTrace('tpuv1-lstm0', inference, 'bf16').workload).toMatchObject({ precision: 'int8/int16', batch: 64 });
    expect(loadTrace('tpuv1-lstm0', { ...inference, batch: 2, precision: 'fp32' }, 'bf16').workload).toMatchObject({
      precision: 'fp32',
      batch: 2,
    });
  });

  it('weights and activations take their own precision', () => {
    const trace = loadTrace('vgg16', { ...inference, precision: 'INT8/int16' }, 'bf16');
    expect(new Set(trace.tensors.filter((tensor) => tensor.role === 'weight').map((tensor) => tensor.dtype))).toEqual(
      new Set(['int8']),
    );
    expect(new Set(trace.tensors.filter((tensor) => tensor.role !== 'weight').map((tensor) => tensor.dtype))).toEqual(
      new Set(['int16']),
    );
  });

  it.each(['int9', 'int8/int8/int8', '', '/', 'int8/'])('precision %j is refused', (precision) => {
    expect(problemsOf(() => loadTrace('lenet-5', { ...inference, precision }, 'int8'))[0]!.where).toBe('precision');
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e9])('batch %d is refused', (batch) => {
    expect(problemsOf(() => loadTrace('lenet-5', { ...inference, batch }, 'int8'))[0]!.where).toBe('--batch');
  });

  it('a training step starts with the forward pass', () => {
    const [forward, step] = (['inference', 'training'] as const).map((phase) =>
      loadTrace('lenet-5', { phase }, 'int8'),
    );
    expect(step!.workload.phase).toBe('training');
    expect(step!.ops.slice(0, forward!.ops.length)).toEqual(forward!.ops);
  });
  it('a saved trace keeps its batch and precision', () => {
    const path = file('kept.json', writeTrace(loadTrace('lenet-5', inference, 'int8')));
    expect(problemsOf(() => loadTrace(path, { ...inference, batch: 2 }, 'int8'))[0]!.found).toMatch(
      /batch and precision already/,
    );
  });
});

describe('inline kernels', () => {
  it('matmul:MxNxK is [M, K] x [K, N]', () => {
    const trace = loadTrace('matmul:3x5x7', inference, 'int8');
    expect(trace.workload.batch).toBe(1);
    expect(trace.ops).toHaveLength(1);
    expect(trace.ops[0]).toMatchObject({ kind: 'matmul', batch: 1, m: 3, n: 5, k: 7 });
    expect(trace.tensors.map((tensor) => [tensor.role, tensor.shape.join('x')])).toEqual([
      ['input', '1x3x7'],
      ['weight', '7x5'],
      ['output', '1x3x5'],
    ]);
  });

  it('conv:N,C,H,W,K,R,S,stride,pad,groups', () => {
    const trace = loadTrace('conv:2,8,14,15,16,3,5,2,1,4', inference, 'int8');
    // p = (14 + 2 - 3) / 2 + 1 = 7, q = (15 + 2 - 5) / 2 + 1 = 7
    expect(trace.ops[0]).toMatchObject({
      n: 2,
      c: 8,
      h: 14,
      w: 15,
      k: 16,
      r: 3,
      s: 5,
      p: 7,
      q: 7,
      stride: [2, 2],
      padding: [1, 1, 1, 1],
      groups: 4,
    });
    expect(trace.tensors[1]!.shape).toEqual([16, 2, 3, 5]);
    expect(trace.workload.batch).toBe(2);
  });

  it.each([
    ['matmul:', 'has 1 number'],
    ['matmul:3x4', 'has 2 numbers'],
    ['matmul:3x4x5x6', 'has 4 numbers'],
    ['conv:1,2,3', 'has 3 numbers'],
    ['matmul:0x4x5', '0'],
    ['matmul:3x-4x5', '-4'],
    ['matmul:3x4x1e9', '1e9'],
    ['matmul:3x4x99999999999', '99999999999'],
    ['matmul:3xx5', 'missing'],
    ['conv:1,1,3,3,1,9,9', 'its result would be -5 x -5'],
    ['conv:1,3,9,9,4,3,3,1,1,2', '2 groups for 3 input and 4 output channels'],
  ])('%s is refused: %s', (text, found) => {
    expect(problemsOf(() => loadTrace(text, inference, 'int8'))[0]!.found).toBe(found);
  });

  it('lists all bad numbers together', () => {
    expect(problemsOf(() => resolveWorkload('matmul:0xax-1')).map((problem) => problem.where)).toEqual([
      'matmul:0xax-1: M',
      'matmul:0xax-1: N',
      'matmul:0xax-1: K',
    ]);
  });

  it('sizes that no machine could count are refused', () => {
    const size = 2 ** 24;
    expect(problemsOf(() => loadTrace(`matmul:${size}x${size}x${size}`, inference, 'int8'))[0]!.found).toMatch(
      /shape|MACs/,
    );
  });

  it('the batch of an inline kernel is in its text', () => {
    expect(problemsOf(() => loadTrace('matmul:3x4x5', { ...inference, batch: 2 }, 'int8'))[0]!.where).toBe('--batch');
  });
});
