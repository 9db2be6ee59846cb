import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { loadMachine } from '../../src/machine/load.ts';
import { mathOf } from '../../src/models/gpu/lower/check.ts';
import { macsPerCycle } from '../../src/models/gpu/lower/gemm.ts';
import { lower } from '../../src/models/gpu/lower/lower.ts';
import { type GpuSpec, gpuSpec } from '../../src/models/gpu/spec.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import type { SparsePattern } from '../../src/trace/trace.ts';
import { loadTrace, type TraceOptions } from '../../src/workload/load.ts';

const TWO_OF_FOUR = { n: 2, m: 4 };
const a100 = loadMachine('a100', [], { gpu: gpuSpec }).spec as GpuSpec;

interface Run {
  readonly arch?: string;
  readonly precision?: string;
  readonly sparsity?: SparsePattern;
  readonly phase?: TraceOptions['phase'];
}

function run(workload: string, { arch = 'a100', precision = 'fp16', sparsity, phase = 'inference' }: Run = {}) {
  const options = { phase, precision, ...(sparsity !== undefined && { sparsity }) };
  return simulate(loadMachine(arch, [], SCHEMAS), loadTrace(workload, options, precision)).report;
}

describe('sparse tensor cores', () => {
  it.each([
    ['fp16:2:4', 624],
    ['bf16:2:4', 624],
    ['tf32:1:2', 312],
    ['int8:2:4', 1248],
  ])('%s has the %d TOPS of the white paper at the boost clock', (name, tops) => {
    const math = { ...a100.math[name]!, occupiesCycles: 8 };
    expect((2 * 108 * macsPerCycle(a100, math) * 1410e6) / 1e12 / tops).toBeCloseTo(1, 3);
  });

  it('load half of the weights and two bits for each of them', () => {
    // Weights are in the rows: a block computes 256 x 128 results from 128 x 64 dense elements and half of 256 x 64, in 2 + 2/8 bytes each.
    const trace = loadTrace('matmul:4096x4096x4096', { phase: 'inference', sparsity: TWO_OF_FOUR }, 'fp16');
    const [call] = lower(a100, trace, 0);
    if (call?.kind !== 'call') throw new Error('no call');
    const [kernel] = call.candidates().find(([first]) => first!.name === 'gemm fp16:2:4 256x128x64')!;
    expect(kernel!.sharedBytesPerBlock).toBe(3 * (128 * 64 * 2 + (256 * 64 * 2.25) / 2));
    expect(kernel!.loadBytes).toBe((4096 / 256) * (4096 / 128) * (4096 / 64) * 34_816);
    // Twice 1,024 multiply-adds a cycle and SM, at 8 of 8.5 cycles.
    expect(kernel!.mathCyclesPerBlock).toBeCloseTo((128 * 256 * 4096) / ((2048 * 8) / 8.5), 6);
    expect(kernel!.macsDone).toBe(4096 ** 3);
  });

  it('read weights once from memory, in 9/16 of the bytes', () => {
    const { read } = run('matmul:8x12288x12288', { sparsity: TWO_OF_FOUR }).totals.trafficBytes['hbm']!;
    expect(read).toBe(12288 * 12288 * 2 * (9 / 16) + 8 * 12288 * 2);
  });

  it('multiply half as often, which energy counts; the report counts zeros as multiplied, as published peaks do', () => {
    const [dense, sparse] = [run('matmul:4096x4096x4096'), run('matmul:4096x4096x4096', { sparsity: TWO_OF_FOUR })];
    const cores = 'tensorCores';
    expect(sparse.totals.energyPjByComponent[cores]! / dense.totals.energyPjByComponent[cores]!).toBeCloseTo(0.5, 9);
    expect(sparse.totals.macs).toBe(4096 ** 3);
    expect(sparse.totals.peakMacsPerCycle).toBe(2 * dense.totals.peakMacsPerCycle);
    expect(dense.totals.peakMacsPerCycle).toBeCloseTo((108 * 1024 * 8) / 8.5, 6);
  });

  // NVIDIA's blog posts on cuSPARSELt and TensorRT show 1.3 to 1.9 times the speed of dense products of such sizes, less for small ones.
  it.each([
    ['fp16', 4096],
    ['fp16', 8192],
    ['int8', 8192],
  ])('gain what libraries do: %s products of %d', (precision, size) => {
    const text = `matmul:${size}x${size}x${size}`;
    const gain =
      run(text, { precision }).totals.seconds / run(text, { precision, sparsity: TWO_OF_FOUR }).totals.seconds;
    expect(gain).toBeGreaterThan(1.3);
    expect(gain).toBeLessThan(1.9);
  });

  it('serve convolutions too, but not those of three channels', () => {
    const wide = 'conv:64,256,28,28,256,3,3,1,1';
    expect(run(wide, { sparsity: TWO_OF_FOUR }).totals.seconds).toBeLessThan(0.8 * run(wide).totals.seconds);
    const [dense, sparse] = [run('resnet18'), run('resnet18', { sparsity: TWO_OF_FOUR })].map(({ ops }) => ops);
    expect(sparse![0]).toMatchObject({
      name: 'conv1',
      cycles: dense![0]!.cycles,
      trafficBytes: dense![0]!.trafficBytes,
    });
    expect(sparse!.filter(({ cycles }, index) => cycles < dense![index]!.cycles).length).toBeGreaterThan(10);
  });

  it('that fit no weight at all are refused', () => {
    const narrow = 'conv:64,3,28,28,256,3,3,1,1';
    expect(() => run(narrow, { sparsity: TWO_OF_FOUR })).toThrow(/2:4 fits no weight/);
    expect(() => run('matmul:64x64x64', { sparsity: { n: 2, m: 5 } })).toThrow(/multiple of 5/);
  });
});

describe('which math takes a pattern', () => {
  it.each([
    ['fp16', { n: 2, m: 4 }, 'fp16:2:4'],
    ['fp16', { n: 1, m: 4 }, 'fp16:2:4'],
    ['fp16', { n: 1, m: 2 }, 'fp16:2:4'],
    ['fp16', { n: 2, m: 8 }, 'fp16:2:4'],
    ['fp16', { n: 4, m: 8 }, 'fp16'],
    ['fp16', { n: 3, m: 4 }, 'fp16'],
    ['fp16', { n: 1, m: 3 }, 'fp16'],
    ['tf32', { n: 2, m: 4 }, 'tf32'],
    ['tf32', { n: 1, m: 4 }, 'tf32:1:2'],
    ['int4', { n: 2, m: 4 }, 'int4'],
  ])('%s %o: %s', (format, pattern, name) => {
    expect(mathOf(a100, format, pattern)).toBe(name);
  });

  it.each([
    ['v100', 'fp16'],
    ['p40', 'int8'],
    ['tpuv3', 'bf16'],
    ['edge-16x16', 'int8'],
  ])('%s multiplies the zeros and says so', (arch, precision) => {
    const dense = run('matmul:512x512x512', { arch, precision });
    const marked = run('matmul:512x512x512', { arch, precision, sparsity: TWO_OF_FOUR });
    expect(marked.totals).toEqual(dense.totals);
    const added = marked.notes.filter((note) => !dense.notes.includes(note));
    expect(added).toHaveLength(1);
    expect(added[0]).toMatch(/^Zeros of 2:4 .*multiplied like the rest/);
  });

  it('transposed convolutions run dense: their reduction runs along other channels', () => {
    const upward = (sparsity?: SparsePattern) => {
      const { ops } = run('unet', { ...(sparsity !== undefined && { sparsity }) });
      return ops.filter(({ name, kind }) => kind === 'conv' && name.includes('up')).map(({ cycles }) => cycles);
    };
    expect(upward().length).toBeGreaterThan(0);
    expect(upward(TWO_OF_FOUR)).toEqual(upward());
  });

  it('a training step runs dense, as weights change', () => {
    const step = (sparsity?: SparsePattern) =>
      run('lenet-300-100', { phase: 'training', ...(sparsity !== undefined && { sparsity }) });
    expect(step(TWO_OF_FOUR).totals).toEqual(step().totals);
    expect(step(TWO_OF_FOUR).notes.join()).toContain('compressed anew');
  });
});

describe('machine files', () => {
  it('refuse sparse math under another name, and dense math under that of a pattern', () => {
    const change = (text: string) => () => loadMachine('a100', [text], SCHEMAS);
    expect(change('math.fp16:2:4.sparse={n: 1, m: 4, indexBits: 2}')).toThrow(InputError);
    expect(change('math.fp16:2:4.sparse={n: 1, m: 4, indexBits: 2}')).toThrow('FORMAT:1:4');
    const dense =
      'unit: tensor, m: 16, n: 8, k: 16, instructions: 1, occupiesCycles: 8, latencyCycles: 25, leftReads: 1, rightReads: 1, accumulatorBytes: 4';
    expect(change(`math.fp16={${dense}, sparse: {n: 2, m: 4, indexBits: 2}}`)).toThrow('FORMAT:2:4');
    expect(change(`math.fp16:2:4={${dense}}`)).toThrow('leave the pattern out of its name');
  });
});
