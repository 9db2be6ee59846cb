import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { validateAgainst } from '../../src/validate/against.ts';
import { measuredSets } from '../../src/validate/measured.ts';
import { loadMachine } from '../../src/machine/load.ts';
import type { GpuSpec } from '../../src/models/gpu/spec.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { predictKernels } from '../../src/validate/gpu.ts';
import { validate } from '../../src/validate/run.ts';

const kept = (file: string): string =>
  readFileSync(join(import.meta.dirname, '..', '..', 'reports', 'anchors', file), 'utf8');

/** The header and so many rows of a kept file, spread over it. */
function some(file: string, rows: number): string {
  const [header, ...all] = kept(file).trimEnd().split('\n');
  const every = Math.ceil(all.length / rows);
  return [header, ...all.filter((_, index) => index % every === 0)].join('\n');
}

describe('measured GPU kernels', () => {
  it.each([
    ['v100_gemm.csv', 'GPU matrix products'],
    ['v100_conv.csv', 'GPU convolutions'],
    ['v100_rnn.csv', 'GPU recurrent layers'],
    ['a100_vector.csv', 'GPU normalisation, softmax and GELU'],
    ['a100_transformer.csv', 'GPU transformer layers'],
  ])('%s is recognised by its columns as %s, its rows by their devices', (file, what) => {
    const comparison = validateAgainst(some(file, 6), file, undefined);
    expect(comparison.what).toBe(what);
    expect(comparison.rows.length).toBeGreaterThanOrEqual(5);
    for (const { predicted, measured } of comparison.rows) {
      expect(predicted).toBeGreaterThan(measured / 20);
      expect(predicted).toBeLessThan(measured * 20);
    }
  });

  it('V100 products, all rows: within the bounds of fp16 and fp32, in the order they were measured in', () => {
    const { rows, kendallTau } = validateAgainst(kept('v100_gemm.csv'), 'v100_gemm.csv', undefined);
    const error = (format: string): number => {
      const errors = rows.filter(({ id }) => id.includes(format)).map(({ errorPct }) => Math.abs(errorPct));
      return errors.reduce((sum, one) => sum + one, 0) / errors.length;
    };
    expect(error(':fp16:')).toBeLessThan(9);
    expect(error(':fp32:')).toBeLessThan(9.5);
    expect(kendallTau).toBeGreaterThan(0.95);
  });

  it('times are whole microseconds, cut off, as DeepBench prints them', () => {
    const { rows } = validateAgainst(some('v100_gemm.csv', 8), 'x.csv', undefined);
    for (const { predicted } of rows)
      expect(Math.abs(predicted * 1e3 - Math.round(predicted * 1e3))).toBeLessThan(1e-6);
  });

  it('devices find their machines whatever their spelling; --arch names another one', () => {
    const row = (device: string) =>
      `device,m,n,k,trans_a,trans_b,precision,time_ms\n${device},4096,4096,4096,N,N,fp16,1\n`;
    const predicted = (device: string, arch?: string) => validateAgainst(row(device), 'x.csv', arch).rows[0]!.predicted;
    expect(predicted('RTX 2080 Ti')).toBe(predicted('anything', 'rtx2080ti'));
    expect(predicted('T4')).toBeGreaterThan(predicted('V100'));
  });

  it('T4 runs rows of every kind in int8, on tensor cores and with a quarter of the bytes of fp32', () => {
    const rows = {
      gemm: ['m,n,k,trans_a,trans_b', '4096,4096,4096,N,N'],
      conv: ['pass,w,h,c,n,k,s,r,pad_w,pad_h,stride_w,stride_h', 'fwd,56,56,64,16,64,3,3,1,1,1,1'],
      rnn: ['cell,hidden,batch,timesteps,pass', 'lstm,4096,16,25,fwd'],
    };
    for (const [columns, values] of Object.values(rows)) {
      const lines = ['int8', 'fp16', 'fp32'].map((precision) => `T4,${values},${precision},1`);
      const csv = [`device,${columns},precision,time_ms`, ...lines].join('\n');
      const [int8, fp16, fp32] = validateAgainst(csv, 'x.csv', undefined).rows.map(({ predicted }) => predicted);
      expect(int8!).toBeLessThan(fp16!);
      expect(fp16!).toBeLessThan(fp32!);
    }
  });

  it('machines that are in no file are predicted the same way', () => {
    const { spec } = loadMachine('v100', ['clockMHz=765'], SCHEMAS);
    const record = { m: '4096', n: '4096', k: '4096', trans_a: 'N', trans_b: 'N', precision: 'fp16', time_ms: '1' };
    const [slow] = predictKernels(spec as GpuSpec, [record]);
    const header = Object.keys(record).join();
    const [full] = validateAgainst(`${header}\n${Object.values(record).join()}\n`, 'x.csv', 'v100').rows;
    expect(slow!.predicted / full!.predicted).toBeGreaterThan(1.9);
    expect(slow!.predicted / full!.predicted).toBeLessThan(2.1);
    expect(() => predictKernels(spec as GpuSpec, [{ m: '1' }])).toThrow('columns of no kind of kernels');
  });

  it('refuses devices, formats, words and sizes it does not know, each with its row', () => {
    const csv = (line: string) => `device,m,n,k,trans_a,trans_b,precision,time_ms\n${line}\n`;
    const refuse = (line: string) => expect(() => validateAgainst(csv(line), 'x.csv', undefined));
    refuse('Z9,8,8,8,N,N,fp16,1').toThrow(/row 1: device: "Z9"; write .*v100/);
    refuse('V100,8,8,8,N,N,bf16,1').toThrow(/row 1: precision: "bf16"; this machine multiplies fp16/);
    refuse('V100,8,8,8,X,N,fp16,1').toThrow('row 1: trans_a: "X"; write N, T');
    refuse('V100,0,8,8,N,N,fp16,1').toThrow('row 1: m: "0"; write a whole number from 1');
    refuse('V100,8,8,8,N,N,fp16,-1').toThrow('write a positive number');
    expect(() => validateAgainst(csv('V100,8,8,8,N,N,fp16,1'), 'x.csv', 'tpuv1')).toThrow('name a GPU');
  });
});

describe('kept measurements', () => {
  it('are summed up by machine, kind, format and pass; a layer by phase', () => {
    const sets = new Map(measuredSets('a100').map((set) => [set.id, set]));
    expect([...sets].map(([id, { rows }]) => [id, rows])).toEqual([
      ['a100 gemm bf16', 12],
      ['a100 vector fp16', 38],
      ['a100 transformer prefill total', 9],
      ['a100 transformer decode total', 5],
      ['a100 allreduce fp16', 19],
    ]);
    for (const { id, mapePct, bound } of sets.values()) expect(mapePct, id).toBeLessThanOrEqual(bound!);
  });

  it('make validation fail where an error has grown', () => {
    const { failures } = validate('a100', { errors: { 'a100 gemm bf16': 0.1 }, accuracy: {} });
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain('a100 gemm bf16: error grew from 0.10');
  });
});
