import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { readTrace } from '../../src/trace/read.ts';
import { DTYPES, type DType, type Op, PHASES, type Tensor, type Trace } from '../../src/trace/trace.ts';
import { writeTrace } from '../../src/trace/write.ts';

function problems(text: string): { where: string; found: string; remedy: string }[] {
  try {
    readTrace(text, 't.json');
  } catch (error) {
    if (error instanceof InputError) return [...error.problems];
    throw error;
  }
  return [];
}

const small: Trace = {
  schema: 'accsim.trace/1',
  workload: { name: 'small', batch: 1, phase: 'inference', precision: 'int8' },
  tensors: [
    { name: 'x', shape: [2, 3], dtype: 'int8', role: 'input' },
    { name: 'w', shape: [3, 4], dtype: 'int8', role: 'weight', density: 0.5, pattern: { n: 1, m: 2 } },
    { name: 'y', shape: [2, 4], dtype: 'int8', role: 'activation' },
    { name: 'z', shape: [2, 4], dtype: 'int8', role: 'output' },
  ],
  ops: [
    { id: '0', name: 'fc', kind: 'matmul', phase: 'forward', inputs: [0, 1], outputs: [2], batch: 1, m: 2, n: 4, k: 3 },
    { id: '1', name: 'act', kind: 'elementwise', function: 'relu', phase: 'forward', inputs: [2], outputs: [3] },
  ],
};

type Loose = {
  schema: string;
  workload: Record<string, unknown>;
  tensors: Record<string, unknown>[];
  ops: Record<string, unknown>[];
};
function changed(change: (copy: Loose) => void): string {
  const copy = structuredClone(small) as unknown as Loose;
  change(copy);
  return JSON.stringify(copy);
}

const size = fc.integer({ min: 1, max: 64 });
const pair = fc.tuple(size, size);
const phase = fc.constantFrom(...PHASES);
const name = fc.string({ maxLength: 12 });

/** What an op adds to its sizes: input shapes, output shape. Every kind is made. */
const opArbitrary = fc.oneof(
  fc.record({ batch: size, m: size, n: size, k: size }).map((s) => ({
    fields: { kind: 'matmul', ...s },
    inputs: [
      [s.batch, s.m, s.k],
      [s.batch, s.k, s.n],
    ],
    output: [s.batch, s.m, s.n],
  })),
  fc
    .record({
      n: size,
      groups: fc.integer({ min: 1, max: 4 }),
      c: size,
      h: size,
      w: size,
      k: size,
      r: size,
      s: size,
      p: size,
      q: size,
      stride: pair,
      dilation: pair,
      transposed: fc.boolean(),
    })
    .map((s) => {
      const c = s.c * s.groups;
      const k = s.k * s.groups;
      return {
        fields: { ...s, kind: 'conv', c, k, padding: [0, 1, 2, 3] },
        inputs: [
          [s.n, c, s.h, s.w],
          [k, s.c, s.r, s.s],
        ],
        output: [s.n, k, s.p, s.q],
      };
    }),
  fc.record({ window: pair, stride: pair }).map((s) => ({
    fields: { kind: 'pool', function: 'max', padding: [0, 0, 0, 0], ...s },
    inputs: [[1, 2, 3, 4]],
    output: [1, 2, 1, 1],
  })),
  fc
    .constantFrom('batch', 'layer', 'local-response')
    .map((fn) => ({ fields: { kind: 'norm', function: fn }, inputs: [[4, 4]], output: [4, 4] })),
  size.map((axisLength) => ({ fields: { kind: 'softmax', axisLength }, inputs: [[axisLength]], output: [axisLength] })),
  fc
    .constantFrom('relu', 'add', 'mask')
    .map((fn) => ({ fields: { kind: 'elementwise', function: fn }, inputs: [[4], [4]], output: [4] })),
  fc
    .constantFrom('sum', 'mean')
    .map((fn) => ({ fields: { kind: 'reduce', function: fn, axes: [1] }, inputs: [[4, 2]], output: [4] })),
  fc
    .record({ rows: size, width: size, pooled: fc.boolean() })
    .map((s) => ({ fields: { kind: 'gather', ...s }, inputs: [[100, s.width], [s.rows]], output: [s.rows, s.width] })),
  fc
    .constantFrom('adam', 'sgd')
    .map((optimizer) => ({ fields: { kind: 'update', optimizer, sparse: false }, inputs: [[4], [4]], output: [4] })),
  size.map((ranks) => ({ fields: { kind: 'collective', function: 'all-reduce', ranks }, inputs: [[4]], output: [4] })),
  fc
    .constantFrom('concat', 'split', 'transpose')
    .map((fn) => ({ fields: { kind: 'move', function: fn }, inputs: [[4]], output: [4] })),
);

const traceArbitrary = fc
  .record({
    parts: fc.array(
      fc.tuple(
        opArbitrary,
        phase,
        name,
        fc.constantFrom(...(Object.keys(DTYPES) as DType[])),
        fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      ),
      { minLength: 1, maxLength: 12 },
    ),
    name,
    batch: size,
  })
  .map(({ parts, name: workload, batch }): Trace => {
    const tensors: Tensor[] = [];
    const ops = parts.map(([made, opPhase, label, dtype, density], index) => {
      const tensor = (shape: number[], role: Tensor['role']): number =>
        tensors.push({ name: label, shape, dtype, role, ...(density !== null && { density: density + 0 }) }) - 1;
      const inputs = made.inputs.map((shape, at) => tensor(shape, at === 1 ? 'weight' : 'input'));
      return {
        ...made.fields,
        id: String(index),
        name: label,
        phase: opPhase,
        inputs,
        outputs: [tensor(made.output, 'activation')],
      } as unknown as Op;
    });
    return {
      schema: 'accsim.trace/1',
      workload: { name: workload, batch, phase: 'training', precision: 'bf16' },
      tensors,
      ops,
    };
  });

describe('traces as JSON', () => {
  it('reading gives back what was written, for every kind of op', () => {
    fc.assert(
      fc.property(traceArbitrary, (trace) => {
        expect(readTrace(writeTrace(trace), 't.json')).toEqual(trace);
      }),
      { seed: 20261121, numRuns: 300 },
    );
  });

  it('one op a line', () => {
    const text = writeTrace(small);
    expect(text.split('\n').filter((line) => line.includes('"kind"'))).toHaveLength(2);
    expect(text.endsWith('}\n')).toBe(true);
  });

  it('a file cut short anywhere is refused', () => {
    const text = writeTrace(small).trimEnd();
    for (let length = 0; length < text.length; length += 7)
      expect(problems(text.slice(0, length)), `at ${length}`).toHaveLength(1);
    expect(problems('')[0]!.found).toBe('is empty');
  });

  it.each([
    [
      'another schema',
      (t: Loose) => {
        t.schema = 'accsim.trace/9';
      },
      't.json.schema',
      '"accsim.trace/9"',
    ],
    [
      'an unknown field',
      (t: Loose) => {
        t.workload['extra'] = 1;
      },
      't.json.workload',
      'unknown field extra',
    ],
    [
      'a batch of zero',
      (t: Loose) => {
        t.workload['batch'] = 0;
      },
      't.json.workload.batch',
      '0',
    ],
    [
      'no ops',
      (t: Loose) => {
        t.ops = [];
      },
      't.json.ops',
      '[]',
    ],
    [
      'an unknown dtype',
      (t: Loose) => {
        t.tensors[0]!['dtype'] = 'int9';
      },
      't.json: tensors[0].dtype',
      '"int9"',
    ],
    [
      'a negative size',
      (t: Loose) => {
        t.tensors[0]!['shape'] = [-2, 3];
      },
      't.json: tensors[0].shape.0',
      '-2',
    ],
    [
      'a density above one',
      (t: Loose) => {
        t.tensors[1]!['density'] = 2;
      },
      't.json: tensors[1].density',
      '2',
    ],
    [
      'an unknown kind',
      (t: Loose) => {
        t.ops[0]!['kind'] = 'matmull';
      },
      't.json: ops[0].kind',
      '"matmull"',
    ],
    [
      'an unknown function',
      (t: Loose) => {
        t.ops[1]!['function'] = 'rely';
      },
      't.json: ops[1].function',
      '"rely"',
    ],
    [
      'a missing size',
      (t: Loose) => {
        delete t.ops[0]!['k'];
      },
      't.json: ops[0].k',
      'missing',
    ],
    [
      'an input that does not exist',
      (t: Loose) => {
        t.ops[1]!['inputs'] = [9];
      },
      't.json: ops[1] (act).inputs',
      'tensor 9 does not exist',
    ],
    [
      'an output that does not exist',
      (t: Loose) => {
        t.ops[1]!['outputs'] = [4];
      },
      't.json: ops[1] (act).outputs',
      'tensor 4 does not exist',
    ],
    [
      'reading before making',
      (t: Loose) => {
        t.ops.reverse();
      },
      't.json: ops[0] (act).inputs',
      'tensor 2 (y) is read before any op makes it',
    ],
    [
      'writing an input',
      (t: Loose) => {
        t.ops[1]!['outputs'] = [0];
      },
      't.json: ops[1] (act).outputs',
      'tensor 0 (x) is an input',
    ],
    [
      'two ops of one id',
      (t: Loose) => {
        t.ops[1]!['id'] = '0';
      },
      't.json: ops[1] (act).id',
      '0 is taken',
    ],
    [
      'one operand',
      (t: Loose) => {
        t.ops[0]!['inputs'] = [0];
      },
      't.json: ops[0] (fc).inputs',
      'one operand',
    ],
    [
      "sizes that are not the tensors'",
      (t: Loose) => {
        t.ops[0]!['k'] = 30;
      },
      't.json: ops[0] (fc)',
      'left operand x has 6 elements [2, 3]',
    ],
    [
      'a tensor too large to count',
      (t: Loose) => {
        t.tensors[3]!['shape'] = [2 ** 40, 2 ** 40];
      },
      't.json: tensors[3]',
      '1.2089258196146292e+24 elements',
    ],
    [
      'a pattern that leaves everything',
      (t: Loose) => {
        t.tensors[1]!['pattern'] = { n: 4, m: 4 };
      },
      't.json: tensors[1] (w).pattern',
      '4:4',
    ],
    [
      'a pattern of an activation',
      (t: Loose) => {
        t.tensors[2]!['pattern'] = { n: 2, m: 4 };
      },
      't.json: tensors[2] (y).pattern',
      '2:4 of a tensor of role activation',
    ],
  ])('%s is refused', (_what, change, where, found) => {
    expect(problems(changed(change))[0]).toMatchObject({ where, found });
  });

  it('lists all faults together', () => {
    const text = changed((t) => {
      t.tensors[0]!['dtype'] = 'int9';
      t.tensors[1]!['role'] = 'weigth';
      t.ops[0]!['m'] = 'two';
    });
    expect(problems(text).map((problem) => problem.where)).toEqual([
      't.json: tensors[0].dtype',
      't.json: tensors[1].role',
      't.json: ops[0].m',
    ]);
  });

  it('a file with thousands of faults names the first hundred', () => {
    const text = changed((t) => {
      t.ops = Array.from({ length: 5000 }, (_, index) => ({ ...t.ops[1]!, id: String(index), inputs: [99] }));
    });
    expect(problems(text)).toHaveLength(101);
    expect(problems(text).at(-1)!.found).toBe('4900 more faults');
  });
});
