import { describe, expect, it } from 'vitest';
import { listMachines, loadMachine, showMachine } from '../../src/machine/load.ts';
import { fittedConstants } from '../../src/machine/source.ts';
import { gpu } from '../../src/models/gpu/model.ts';
import { macsPerCycle } from '../../src/models/gpu/lower/gemm.ts';
import { gemmSeconds } from '../../src/models/gpu/predict/gemm.ts';
import { SCHEMAS } from '../../src/models/registry.ts';

const GPUS = listMachines().filter(({ kind }) => kind === 'gpu');
const specOf = (name: string) => gpu.schema.parse(loadMachine(name, [], SCHEMAS).spec);

/** Tera-operations per second of one entry of a machine's math, 2 per multiply-add. */
function peakTops(name: string, math: string): number {
  const spec = specOf(name);
  return (2 * spec.sms * macsPerCycle(spec, spec.math[math]!) * spec.clockMHz) / 1e6;
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
    ['rtx2080ti', 'fp16', 107.6],
    ['rtx2080ti', 'int8', 215.2],
  ])('%s: peak of %s is the %f of its data sheet', (name, math, tops) => {
    // Data sheets round to two or three digits.
    expect(Math.abs(peakTops(name, math) / tops - 1)).toBeLessThan(0.012);
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

  it('sums in fp32 take twice as long on a GeForce of the Turing generation, and equally long on T4', () => {
    expect(peakTops('rtx2080ti', 'fp16') / peakTops('rtx2080ti', 'fp16+fp32')).toBe(2);
    expect(peakTops('t4', 'fp16') / peakTops('t4', 'fp16+fp32')).toBe(1);
  });
});
