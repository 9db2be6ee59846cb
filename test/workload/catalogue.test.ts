import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parameters, totalMacs } from '../../src/trace/facts.ts';
import { checkTrace } from '../../src/trace/check.ts';
import { aliases } from '../../src/workload/catalogue.ts';
import { workloadNames } from '../../src/workload/catalogue.ts';
import { listWorkloads, loadTrace } from '../../src/workload/load.ts';
import { parseYaml } from '../../src/yaml.ts';

const inference = { phase: 'inference' } as const;

/**
 * Published figures, typed here a second time so that neither the file nor the builder can drift alone.
 * parameters: exact unless `parameterTolerance` says otherwise. macs of one sample, with `macTolerance` (published rounded).
 */
const PUBLISHED: Readonly<
  Record<string, { parameters: number; parameterTolerance?: number; macs?: number; macTolerance?: number }>
> = {
  // Han et al., 2015, Table 1: 267 K and 431 K parameters; the counts are those of Caffe's definitions.
  'lenet-300-100': { parameters: 266_610, macs: 266_200 },
  'lenet-5': { parameters: 431_080, macs: 2_293_000 },
  // torchvision model table: num_params and "GFLOPS" (multiply-adds), rounded to 0.01 G.
  alexnet: { parameters: 61_100_840, macs: 0.71e9, macTolerance: 0.01 },
  vgg16: { parameters: 138_357_544, macs: 15.47e9, macTolerance: 0.001 },
  squeezenet: { parameters: 1_235_496, macs: 0.35e9, macTolerance: 0.01 },
  googlenet: { parameters: 6_624_904, macs: 1.5e9, macTolerance: 0.005 },
  resnet18: { parameters: 11_689_512, macs: 1.81e9, macTolerance: 0.005 },
  resnet34: { parameters: 21_797_672, macs: 3.66e9, macTolerance: 0.005 },
  resnet50: { parameters: 25_557_032, macs: 4.09e9, macTolerance: 0.002 },
  resnet101: { parameters: 44_549_160, macs: 7.8e9, macTolerance: 0.002 },
  'mobilenet-v2': { parameters: 3_504_872, macs: 0.3e9, macTolerance: 0.01 },
  'efficientnet-b0': { parameters: 5_288_548, macs: 0.39e9, macTolerance: 0.015 },
  // The same table has 27,161,264 with the auxiliary head and 5.71; without it the model has 23,834,568.
  'inception-v3': { parameters: 23_834_568, macs: 5.71e9, macTolerance: 0.002 },
  // Howard et al., 2017, Table 4: 569 million multiply-adds, 4.2 million parameters; 4,231,976 trainable in Keras and Gluon.
  'mobilenet-v1': { parameters: 4_231_976, macs: 569e6, macTolerance: 0.002 },
  // Count of public implementations of the paper's network with one input channel and two classes.
  unet: { parameters: 31_030_658 },
  // Published checkpoints.
  'bert-base': { parameters: 109_482_240, macs: 11.25e9, macTolerance: 0.01 }, // MobileBERT, Table 1: 22.5 G operations, 128 tokens
  'bert-large': { parameters: 335_141_888 },
  gpt2: { parameters: 124_439_808, macs: 291_648_307_200 / 2 },
  // Vaswani et al., 2017, Table 3: 65 M, rounded, vocabulary "about 37000".
  'transformer-base': { parameters: 65e6, parameterTolerance: 0.035 },
  // MLPerf GNMT: one scalar of the normalised attention score is left out.
  gnmt: { parameters: 160_671_297, parameterTolerance: 1e-8 },
  dlrm: { parameters: 540e6, parameterTolerance: 0.002 },
};

describe('networks against published figures', () => {
  for (const [name, figure] of Object.entries(PUBLISHED)) {
    it(`${name} has its published parameters and MACs`, () => {
      const trace = loadTrace(name, { ...inference, batch: 1 }, 'int8');
      expect(Math.abs(parameters(trace) / figure.parameters - 1)).toBeLessThanOrEqual(figure.parameterTolerance ?? 0);
      if (figure.macs !== undefined)
        expect(Math.abs(totalMacs(trace) / figure.macs - 1)).toBeLessThanOrEqual(figure.macTolerance ?? 0);
    });
  }
});

describe('networks without published figures, counted by hand', () => {
  it('one LSTM layer of 1024 over 25 steps', () => {
    // 4 gates, each (1024 inputs + 1024 states) x 1024 weights and 1024 biases.
    const trace = loadTrace('lstm', inference, 'int8');
    expect(parameters(trace)).toBe(8_392_704);
    expect(totalMacs(trace)).toBe(25 * 8_388_608);
  });

  it('one GRU layer: three gates', () => {
    const trace = loadTrace('gru', inference, 'int8');
    expect(parameters(trace)).toBe(6_294_528);
    expect(totalMacs(trace)).toBe(25 * 6_291_456);
  });

  it('one vanilla layer: one gate', () => {
    const trace = loadTrace('vanilla-rnn', inference, 'int8');
    expect(parameters(trace)).toBe(2_098_176);
    expect(totalMacs(trace)).toBe(25 * 2_097_152);
  });

  it('Deep Speech 2 with five bidirectional GRU layers of 800', () => {
    // conv 1x41x11x32 + 32x21x11x32 weights and 2 x 2 x 32 of normalisation; GRU: 2 directions x 3 gates x 800 x (in + 800 + 1),
    // in = 32 channels x 41 bins = 1312, then 800; letters 800 x 29 + 29.
    const convolutions = 14_432 + 236_544 + 128;
    const recurrent = 2 * 2400 * (1312 + 801) + 4 * 2 * 2400 * (800 + 801);
    expect(parameters(loadTrace('deepspeech2', inference, 'int8'))).toBe(convolutions + recurrent + 23_229);
  });
});

describe('the catalogue', () => {
  const names = workloadNames();

  it('has every network it promises, and the alias table is none of them', () => {
    for (const name of [...Object.keys(PUBLISHED), 'lstm', 'gru', 'vanilla-rnn', 'deepspeech2'])
      expect(names).toContain(name);
    expect(names).not.toContain('aliases');
  });

  it.each(names)('%s makes a sound trace whatever its batch', (name) => {
    // tpuv1-lstm1 cuts its batch in two.
    const one = loadTrace(name, { ...inference, batch: 2 }, 'bf16');
    const three = loadTrace(name, { ...inference, batch: 6 }, 'bf16');
    expect(checkTrace(one.tensors, one.ops, name)).toEqual([]);
    expect(checkTrace(three.tensors, three.ops, name)).toEqual([]);
    expect(parameters(three)).toBe(parameters(one));
    expect(totalMacs(three)).toBe(3 * totalMacs(one));
    expect(one.tensors.some((tensor) => tensor.role === 'output')).toBe(true);
    expect(one.tensors.some((tensor) => tensor.role === 'input')).toBe(true);
  });

  it('lists names, aliases and figures', () => {
    const list = listWorkloads();
    const resnet = list.find((one) => one.name === 'resnet50');
    expect(list.map((one) => one.name)).toEqual(names);
    expect(resnet).toMatchObject({ batch: 1, parameters: 25_557_032, macs: 4_089_184_256 });
    expect(resnet!.aliases).toEqual(expect.arrayContaining(['resnet', 'resnet-50']));
    for (const one of list) expect(one.description, one.name).not.toBe('');
  });

  it('the alias table, read line by line, is what YAML says it is', () => {
    const text = readFileSync(new URL('../../workloads/aliases.yaml', import.meta.url), 'utf8');
    expect(aliases()).toEqual(parseYaml(text, 'aliases.yaml'));
  });

  it('aliases name networks that exist', () => {
    const list = listWorkloads();
    const known = new Set(list.map((one) => one.name));
    for (const alias of list.flatMap((one) => one.aliases)) {
      expect(known.has(alias), `${alias} hides a network`).toBe(false);
      expect(loadTrace(alias, inference, 'int8').ops.length).toBeGreaterThan(0);
    }
    expect(list.flatMap((one) => one.aliases)).toContain('resnet-101');
  });
});
