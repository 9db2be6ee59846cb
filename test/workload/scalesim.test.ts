import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { macs } from '../../src/trace/facts.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { scalesimTrace } from '../../src/workload/scalesim.ts';

function read(text: string, batch = 1): Trace {
  return scalesimTrace(text, 'layers.csv', {
    name: 'layers',
    batch,
    precision: { weights: 'int8', activations: 'int8' },
    precisionText: 'int8',
  });
}

function problems(text: string): string[] {
  try {
    read(text);
  } catch (error) {
    if (error instanceof InputError) return error.problems.map((problem) => `${problem.where}: ${problem.found}`);
    throw error;
  }
  return [];
}

const CONV_HEADER =
  'Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n';

describe('SCALE-Sim topology files', () => {
  it('reads convolutions with a trailing comma', () => {
    const trace = read(`${CONV_HEADER}Conv1, 224, 224, 7, 7, 3, 64, 2,\nConv2, 56, 28, 3, 1, 64, 128, 1,\n`);
    // (224 - 7) / 2 + 1 = 109.5 -> 109
    expect(trace.ops[0]).toMatchObject({
      kind: 'conv',
      name: 'Conv1',
      n: 1,
      c: 3,
      h: 224,
      w: 224,
      k: 64,
      r: 7,
      s: 7,
      p: 109,
      q: 109,
      stride: [2, 2],
      groups: 1,
    });
    expect(trace.ops[1]).toMatchObject({ name: 'Conv2', h: 56, w: 28, r: 3, s: 1, p: 54, q: 28 });
    expect(macs(trace.ops[1]!)).toBe(54 * 28 * 3 * 1 * 64 * 128);
  });

  it('reads matrix products', () => {
    expect(read('Layer,M,N,K,\nGEMM1,1024,2560,64,\n').ops[0]).toMatchObject({
      kind: 'matmul',
      m: 1024,
      n: 2560,
      k: 64,
    });
  });

  it.each([
    ['no trailing comma', 'Layer,M,N,K\na,2,3,4\n'],
    ['no header', 'a,2,3,4,\n'],
    ['Windows line ends', 'Layer,M,N,K,\r\na,2,3,4,\r\n'],
    ['blank lines, also of commas', 'Layer,M,N,K,\n\n,,,,\na,2,3,4,\n\n'],
    ['a byte order mark', '\uFEFFLayer,M,N,K,\na,2,3,4,\n'],
    ['a sparsity column', 'Layer,M,N,K,Sparsity,\na,2,3,4,2:4,\n'],
    ['spaces', 'Layer , M , N , K ,\n a , 2 , 3 , 4 ,\n'],
    ['no line end', 'Layer,M,N,K\na,2,3,4'],
  ])('accepts %s', (_what, text) => {
    const trace = read(text);
    expect(trace.ops).toHaveLength(1);
    expect(trace.ops[0]).toMatchObject({ name: 'a', m: 2, n: 3, k: 4 });
  });

  it('reads a stride of its own for the width', () => {
    expect(read(`${CONV_HEADER}a,9,9,3,3,1,1,1,2,\n`).ops[0]).toMatchObject({ stride: [1, 2], p: 7, q: 4 });
  });

  it('takes DP rows as depthwise: every channel has all filters of the row', () => {
    const [op] = read(`${CONV_HEADER}Conv2DP, 8, 8, 3, 3, 16, 1, 1,\n`).ops;
    expect(op).toMatchObject({ c: 16, k: 16, groups: 16 });
    expect(macs(op!)).toBe(6 * 6 * 9 * 16);
  });

  it('keeps two rows of one name apart, with weights of their own', () => {
    const trace = read('a,2,3,4,\na,2,3,4,\n');
    expect(trace.tensors.filter((tensor) => tensor.role === 'weight')).toHaveLength(2);
  });

  it('names every faulty row with its line', () => {
    expect(problems(`${CONV_HEADER}a,8,8,3,3,1,\nb,8,8,9,9,1,1,1,\nc,2,3,4,\nd,0,3,4,\n`)).toEqual([
      'layers.csv:2: a has 5 numbers',
      'layers.csv:3: b: a 9 x 9 filter on 8 x 8',
      'layers.csv:5: d: 0, 3, 4',
    ]);
    expect(problems('Layer,M,N,K\na,2,x,4\nb,2,-3,4\n')).toEqual(['layers.csv:2: x', 'layers.csv:3: -3']);
    expect(problems('a,2,3,99999999999\n')).toEqual(['layers.csv:1: a: 2, 3, 99999999999']);
    expect(problems('')).toEqual(['layers.csv: holds no layers']);
    expect(problems('Layer,M,N,K\n')).toEqual(['layers.csv: holds no layers']);
    expect(problems('"a,2,3\n')[0]).toMatch(/is no CSV/);
  });
});
