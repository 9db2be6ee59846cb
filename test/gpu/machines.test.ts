import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { listMachines, loadMachine, showMachine } from '../../src/machine/load.ts';
import { fittedConstants } from '../../src/machine/source.ts';
import { gpu } from '../../src/models/gpu/model.ts';
import { macsPerCycle } from '../../src/models/gpu/lower/gemm.ts';
import { gemmSeconds } from '../../src/models/gpu/predict/gemm.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace } from '../../src/workload/load.ts';

const GPUS = listMachines().filter(({ kind }) => kind === 'gpu');
const specOf = (name: string) => gpu.schema.parse(loadMachine(name, [], SCHEMAS).spec);

/** Tera-operations per second of one entry of a machine's math, 2 per multiply-add. */
function peakTops(name: string, math: string): number {
  const spec = specOf(name);
  return (2 * spec.sms * macsPerCycle(spec, spec.math[math]!) * spec.clockMHz) / 1e6;
}

/** Time of a convolution in fp32 over that in int8. */
function gainOfInt8(name: string, convolution: string): number {
  const [fp32, int8] = (['fp32', 'int8'] as const).map((precision) => {
    const trace = loadTrace(convolution, { phase: 'inference', precision }, precision);
    return simulate(loadMachine(name, [], SCHEMAS), trace).report.totals;
  });
  expect(fp32!.macs).toBe(int8!.macs);
  return fp32!.seconds / int8!.seconds;
}

describe('GPUs that ship', () => {
  it.each(GPUS.map(({ name }) => name))('%s has a source for every number', (name) => {
    const { fields } = showMachine(name, [], SCHEMAS);
    const numbers = fields.filter(({ value }) => typeof value === 'number');
    expect(
      numbers.filter(({ source }) => source?.ref.includes('no source given') ?? true).map(({ path }) => path),
    ).toEqual([]);
  });

  it.each(GPUS.map(({ name }) => name))('%s rests on at most 12 fitted constants', (name) => {
    expect(fittedConstants(loadMachine(name, [], SCHEMAS))).toBeLessThanOrEqual(12);
  });

  it('a chosen tile and a launch cost given twice are one constant each', () => {
    // V100: twelve entries, of which `launch` speaks for two numbers and `library.recurrence.tile` for five.
    const machine = loadMachine('v100', [], SCHEMAS);
    expect(Object.values(machine.sources).filter(({ kind }) => kind === 'fitted')).toHaveLength(17);
    expect(fittedConstants(machine)).toBe(12);
  });

  it.each([
    ['v100', 'fp16', 125.3],
    ['v100-pcie', 'fp16', 112],
    ['titan-v', 'fp16', 119.2],
    ['p100', 'fp32', 9.3],
    ['p100', 'fp16', 18.7],
    ['p100-sxm2', 'fp32', 10.6],
    ['p100-sxm2', 'fp16', 21.2],
    ['p40', 'fp32', 11.76],
    ['p40', 'int8', 47],
    ['p4', 'fp32', 5.5],
    ['p4', 'int8', 22],
    ['gtx1080ti', 'fp32', 11.3],
    ['titan-x-pascal', 'fp32', 11],
    ['titan-xp', 'fp32', 12.15],
    ['titan-x-maxwell', 'fp32', 6.6],
    ['m40', 'fp32', 6.84],
    ['a40', 'fp16', 149.7],
    ['a40', 'tf32', 74.8],
    ['a40', 'int8', 299.3],
    ['a40', 'int4', 598.7],
    ['a40', 'int8:2:4', 598.6],
    ['a40', 'fp32', 37.4],
    ['rtx3090', 'fp16', 142],
    ['rtx3090', 'fp16+fp32', 71],
    ['rtx3090', 'bf16', 71],
    ['rtx3090', 'tf32', 35.6],
    ['rtx3090', 'int8', 284],
    ['rtx3090', 'fp16:2:4', 285],
    ['rtx3090', 'fp32', 35.6],
    ['l40s', 'fp8e4m3', 733],
    ['l40s', 'int8', 733],
    ['l40s', 'int4', 733],
    ['l40s', 'fp16:2:4', 733],
    ['l40s', 'fp32', 91.6],
    ['h100', 'fp32', 66.9],
    ['rtx4090', 'fp16', 330.3],
    ['rtx4090', 'fp16+fp32', 165.2],
    ['rtx4090', 'fp8e4m3', 330.3],
    ['rtx4090', 'int8', 660.6],
    ['rtx4090', 'int4', 1321],
    ['rtx4090', 'fp32', 82.6],
    ['h100-pcie', 'fp32', 51.2],
    ['rtx2080ti', 'fp16', 107.6],
    ['rtx2080ti', 'int8', 215.2],
  ])('%s: peak of %s is the %f of its data sheet', (name, math, tops) => {
    // Data sheets round to two or three digits.
    expect(Math.abs(peakTops(name, math) / tops - 1)).toBeLessThan(0.012);
  });

  // Rates at the clock of the data sheet; the machine files have longer instructions, for the clock under load.
  it.each([
    ['h100', 'fp16', 16, 1830, 989.4],
    ['h100', 'tf32', 16, 1830, 494.7],
    ['h100', 'fp8e4m3', 16, 1830, 1978.9],
    ['h100', 'int8:2:4', 16, 1830, 3957.8],
    ['h100-pcie', 'bf16', 16, 1620, 756],
    ['a30', 'fp16', 8, 1440, 165],
    ['a30', 'fp32', 2, 1440, 10.3],
    ['a10', 'fp16', 16, 1695, 125],
    ['l4', 'fp16', 16, 2040, 121],
    ['l4', 'fp8e5m2', 16, 2040, 242.5],
    ['l4', 'fp32', 1, 2040, 30.3],
  ])(
    '%s: %s instructions of %d cycles at %d MHz are the %f of its data sheet',
    (name, math, cycles, clockMHz, tops) => {
      const spec = specOf(name);
      const entry = { ...spec.math[math]!, occupiesCycles: cycles };
      expect(Math.abs((2 * spec.sms * macsPerCycle(spec, entry) * clockMHz) / 1e6 / tops - 1)).toBeLessThan(0.012);
      expect(spec.math[math]!.occupiesCycles).toBeGreaterThan(cycles);
    },
  );

  it.each([
    ['v100', 'bf16'],
    ['t4', 'bf16'],
    ['t4', 'tf32'],
    ['a100', 'fp8e4m3'],
    ['h100', 'int4'],
    ['titan-x-maxwell', 'int8'],
    ['p100', 'int8'],
  ])('%s refuses %s, which it does not have', (name, precision) => {
    const trace = loadTrace('matmul:64x64x64', { phase: 'inference', precision }, precision);
    expect(() => gpu.prepare(specOf(name), trace)).toThrow(InputError);
    expect(() => gpu.prepare(specOf(name), trace)).toThrow(`multiplies ${precision}`);
  });

  it.each([
    ['p40', 'fp32', 10],
    ['p40', 'int8', 40],
    ['gtx1080ti', 'fp32', 10],
    ['titan-x-maxwell', 'fp32', 5.8],
  ])('%s: a large product in %s runs at %f TOPS or more: 128 lanes are fed by 32 banks', (name, precision, tops) => {
    const size = 8192;
    const row = { m: size, n: size, k: size, transposeA: false, transposeB: false, precision };
    expect((2 * size ** 3) / gemmSeconds(specOf(name), row, new Map()) / 1e12).toBeGreaterThan(tops);
  });

  it.each([
    ['fp16', 41.6],
    ['fp32', 7.17],
    ['int8', 74.9],
  ])(
    't4 under its 70 W: a large product in %s runs at the %f TFLOPS that cuBLAS reaches (Jia et al., 2019)',
    (precision, tflops) => {
      const size = 4096;
      const row = { m: size, n: size, k: size, transposeA: false, transposeB: false, precision };
      const seconds = gemmSeconds(specOf('t4'), row, new Map());
      expect(Math.abs((2 * size ** 3) / seconds / 1e12 / tflops - 1)).toBeLessThan(0.05);
    },
  );

  // Dot products of int8 do four MACs for one in fp32 (DP4A), but no transform that saves MACs: 3 x 3 filters gain less in whole.
  it.each(['p40', 'v100'])('%s: a 1 x 1 convolution is more than twice as fast in int8 as in fp32', (name) => {
    expect(gainOfInt8(name, 'conv:64,1024,28,28,256,1,1,1,0')).toBeGreaterThan(2);
  });
  it.each(['p40', 'v100'])('%s: a 3 x 3 convolution gains less from int8, as it is transformed in fp32', (name) => {
    const gain = gainOfInt8(name, 'conv:64,256,28,28,256,3,3,1,1');
    expect(gain).toBeGreaterThan(1.3);
    expect(gain).toBeLessThan(2.5);
  });

  it('a format can be taken away', () => {
    expect(Object.keys(specOf('h100').math)).not.toContain('int4');
    const { math } = loadMachine('a100', ['math.fp16=null'], SCHEMAS).spec as { math: object };
    expect(Object.keys(math)).not.toContain('fp16');
  });

  it('sums in fp32 take twice as long on a GeForce of the Turing generation, and equally long on T4', () => {
    expect(peakTops('rtx2080ti', 'fp16') / peakTops('rtx2080ti', 'fp16+fp32')).toBe(2);
    expect(peakTops('t4', 'fp16') / peakTops('t4', 'fp16+fp32')).toBe(1);
  });
});
