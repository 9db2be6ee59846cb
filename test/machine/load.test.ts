import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InputError } from '../../src/errors.ts';
import { loadMachine, showMachine } from '../../src/machine/load.ts';

/** A small kind of machine of the test's own, so that these tests know no model. */
const toy = z.strictObject({
  clockMHz: z.number().gt(0).max(1e5),
  array: z.strictObject({
    rows: z.number().int().min(1).max(4096),
    columns: z.number().int().min(1),
    rates: z.record(z.string(), z.number()),
  }),
  buffer: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('one'), sizeKiB: z.number().gt(0) }),
    z.strictObject({ kind: z.literal('two'), leftKiB: z.number(), rightKiB: z.number() }),
  ]),
  link: z.strictObject({ bandwidthGBps: z.number().gt(0) }).nullable(),
  mode: z.enum(['fast', 'slow']),
  prices: z.record(z.string(), z.partialRecord(z.enum(['mac.int8', 'mac.fp16', 'read']), z.number())),
});
const SCHEMAS = { toy };

const BASE = `name: base
kind: toy
description: a toy
clockMHz: 100
array: { rows: 8, columns: 4, rates: { int8: 1, int8/int16: 2 } }
buffer: { kind: one, sizeKiB: 64 }
link: { bandwidthGBps: 10 }
mode: fast
prices: { array: { mac.int8: 0.3 } }
sources:
  clockMHz: { kind: paper, ref: "A, p. 1" }
  array: { kind: paper, ref: "A, p. 2" }
  array.columns: { kind: datasheet, ref: "B" }
  buffer: { kind: measured, ref: "C" }
  link: { kind: paper, ref: "A, p. 3" }
  prices: { kind: paper, ref: "D" }
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'accsim-machine-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
const load = (path: string, ...sets: string[]) => loadMachine(path, sets, SCHEMAS);

/** Problems of a refusal as `where|found|remedy`, with the folder left out. */
function refusal(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.problems.map((problem) =>
      `${problem.where}|${problem.found}|${problem.remedy}`.replaceAll(`${folder}/`, ''),
    );
  }
  throw new Error('was not refused');
}

describe('a machine file', () => {
  it('gives name, kind, description, spec and a source for every number', () => {
    const machine = load(write('base.yaml', BASE));
    expect(machine).toMatchObject({ name: 'base', kind: 'toy', description: 'a toy', overrides: {} });
    expect(machine.spec).toMatchObject({
      clockMHz: 100,
      array: { rows: 8, rates: { int8: 1, 'int8/int16': 2 } },
      mode: 'fast',
    });
    expect(machine.sources).toEqual({
      clockMHz: { kind: 'paper', ref: 'A, p. 1' },
      'array.rows': { kind: 'paper', ref: 'A, p. 2' },
      'array.columns': { kind: 'datasheet', ref: 'B' },
      'array.rates.int8': { kind: 'paper', ref: 'A, p. 2' },
      'array.rates.int8/int16': { kind: 'paper', ref: 'A, p. 2' },
      'buffer.sizeKiB': { kind: 'measured', ref: 'C' },
      'link.bandwidthGBps': { kind: 'paper', ref: 'A, p. 3' },
      'prices.array.mac.int8': { kind: 'paper', ref: 'D' },
    });
  });

  it('counts a number without a source as estimated', () => {
    const machine = load(write('unsourced.yaml', BASE.replace(/ {2}clockMHz: \{ kind: paper.*\n/, '')));
    expect(machine.sources.clockMHz).toMatchObject({ kind: 'estimated' });
    expect(machine.sources.clockMHz!.ref).toMatch(/no source given/);
  });
});

describe('extends', () => {
  it('merges maps, replaces scalars and lists, and null replaces', () => {
    write('base.yaml', BASE);
    const child = write('child.yaml', 'name: child\nextends: ./base.yaml\narray: { rows: 16 }\nlink: null\n');
    const machine = load(child);
    expect(machine).toMatchObject({ name: 'child', kind: 'toy', description: 'base with changes' });
    expect(machine.spec).toMatchObject({
      clockMHz: 100,
      array: { rows: 16, columns: 4, rates: { int8: 1 } },
      link: null,
    });
    expect(showMachine(child, [], SCHEMAS).extends).toEqual(['base']);
  });

  it('replaces a map of another kind whole', () => {
    write('base.yaml', BASE);
    const machine = load(
      write('child.yaml', 'name: child\nextends: base.yaml\nbuffer: { kind: two, leftKiB: 1, rightKiB: 2 }\n'),
    );
    expect(machine.spec).toMatchObject({ buffer: { kind: 'two', leftKiB: 1, rightKiB: 2 } });
    expect(machine.sources['buffer.sizeKiB']).toBeUndefined();
  });

  it('gives a replaced value its own source, and never the old one', () => {
    write('base.yaml', BASE);
    const text =
      'name: c\nextends: base.yaml\nclockMHz: 200\narray: { rows: 16 }\nsources:\n  array: { kind: measured, ref: E }\n';
    const { sources } = load(write('child.yaml', text));
    expect(sources['array.rows']).toEqual({ kind: 'measured', ref: 'E' });
    expect(sources['array.columns']).toEqual({ kind: 'datasheet', ref: 'B' });
    expect(sources.clockMHz).toMatchObject({ kind: 'estimated' });
  });

  it('takes paths relative to the file, through folders', () => {
    write('base.yaml', BASE);
    mkdirSync(join(folder, 'sub'), { recursive: true });
    expect(load(write('sub/deep.yaml', 'name: deep\nextends: ../base.yaml\n')).spec).toMatchObject({ clockMHz: 100 });
  });

  it('refuses a cycle and names it', () => {
    const first = write('first.yaml', 'name: first\nextends: second.yaml\n');
    write('second.yaml', 'name: second\nextends: first.yaml\n');
    expect(refusal(() => load(first))).toEqual([
      'second.yaml: extends|extends itself (first -> second -> first)|break the cycle',
    ]);
  });

  it('refuses a chain of more than 8', () => {
    write('c0.yaml', BASE);
    for (let depth = 1; depth <= 9; depth++) write(`c${depth}.yaml`, `name: c${depth}\nextends: c${depth - 1}.yaml\n`);
    expect(load(join(folder, 'c8.yaml')).name).toBe('c8');
    expect(refusal(() => load(join(folder, 'c9.yaml')))[0]).toMatch(/chain of more than 8 extends/);
  });

  it('refuses a base that is missing', () => {
    const path = write('orphan.yaml', 'name: orphan\nextends: nowhere.yaml\n');
    expect(refusal(() => load(path))).toEqual([
      'orphan.yaml: extends|there is no file nowhere.yaml|check the path, or name a machine that ships',
    ]);
  });
});

describe('--set', () => {
  const path = (): string => write('base.yaml', BASE);

  it('replaces a value and marks its source', () => {
    const machine = load(path(), 'clockMHz=250', 'array.rows=32');
    expect(machine.spec).toMatchObject({ clockMHz: 250, array: { rows: 32, columns: 4 } });
    expect(machine.sources.clockMHz).toEqual({ kind: 'estimated', ref: '--set' });
    expect(machine.sources['array.columns']).toEqual({ kind: 'datasheet', ref: 'B' });
    expect(machine.overrides).toEqual({ clockMHz: 250, 'array.rows': 32 });
  });

  it('takes null, texts and maps', () => {
    expect(load(path(), 'link=null', 'mode=slow').spec).toMatchObject({ link: null, mode: 'slow' });
    const machine = load(path(), 'buffer={kind: two, leftKiB: 3, rightKiB: 4}');
    expect(machine.spec).toMatchObject({ buffer: { kind: 'two', leftKiB: 3, rightKiB: 4 } });
    expect(machine.sources['buffer.leftKiB']).toEqual({ kind: 'estimated', ref: '--set' });
  });

  it('finds keys with dots and slashes, and new keys of open maps', () => {
    const machine = load(
      path(),
      'prices.array.mac.int8=1',
      'prices.array.mac.fp16=2',
      'prices.dram.read=3',
      'array.rates.int8/int16=4',
    );
    expect(machine.spec).toMatchObject({
      prices: { array: { 'mac.int8': 1, 'mac.fp16': 2 }, dram: { read: 3 } },
      array: { rates: { 'int8/int16': 4 } },
    });
  });

  it("leaves the file's other loads alone", () => {
    load(path(), 'clockMHz=250');
    expect(load(path()).spec).toMatchObject({ clockMHz: 100 });
  });

  it.each([
    ['clockMhz=1', '--set clockMhz|there is no such field|did you mean clockMHz?'],
    ['array.row=1', '--set array.row|there is no such field|did you mean array.rows?'],
    ['bandwidthGBps=1', '--set bandwidthGBps|there is no such field|did you mean link.bandwidthGBps?'],
    ['clockMHz.deep=1', '--set clockMHz.deep|there is no such field|clockMHz has no fields of its own'],
    ['clockMHz', '--set clockMHz|is not of the form path=value|write for example --set clockMHz=1050'],
    ['=5', '--set =5|is not of the form path=value|write for example --set clockMHz=1050'],
    ['__proto__.x=1', '--set __proto__.x|there is no such field|'],
    ['prices.__proto__.read=1', '--set prices.__proto__.read|there is no such field|'],
    ['array={__proto__: 1}', '--set array={__proto__: 1}|has a key __proto__|remove it'],
    ['clockMHz=-5', '--set clockMHz|-5|must be greater than 0'],
    ['clockMHz=fast', '--set clockMHz|"fast"|write a number'],
    ['array.rows=1.5', '--set array.rows|1.5|write a whole number'],
    ['clockMHz=', '--set clockMHz|null|write a number'],
    ['array={rows: 0, columns: 1, rates: {}}', '--set array.rows|0|must be at least 1'],
    ['mode=fats', '--set mode|"fats"|did you mean fast?'],
  ])('refuses %s', (set, expected) => {
    const [problem] = refusal(() => load(path(), set));
    expect(problem!.startsWith(expected)).toBe(true);
  });

  it('lists all flags at fault, and YAML errors in values', () => {
    const problems = refusal(() => load(path(), 'clockMhz=1', 'mode={a', 'array.rows=2'));
    expect(problems).toHaveLength(2);
    expect(problems[1]).toMatch(/^--set mode=\{a:1:\d+\|/);
  });
});

describe('refused machine files', () => {
  const refused = (text: string): string[] => refusal(() => load(write('bad.yaml', text)));

  it('lists all faults of a spec together', () => {
    const text = BASE.replace('clockMHz: 100', 'clockMHz: -1')
      .replace('rows: 8', 'rows: many')
      .replace('mode: fast', 'mod: fast');
    expect(refused(text)).toEqual([
      'bad.yaml: clockMHz|-1|must be greater than 0',
      'bad.yaml: array.rows|"many"|write a number',
      'bad.yaml: mode|missing|choose one of fast, slow',
      'bad.yaml: mod|unknown key|did you mean mode?',
    ]);
  });

  it('refuses absurd sizes, nested unknown keys and unknown actions, with suggestions', () => {
    expect(refused(BASE.replace('rows: 8', 'rows: 100000'))).toEqual([
      'bad.yaml: array.rows|100000|must be at most 4096',
    ]);
    expect(refused(BASE.replace('rows: 8, columns: 4', 'rows: 1e308, columns: 1e308'))).toEqual([
      'bad.yaml: array.rows|1e+308|must be at most 4096',
      'bad.yaml: array.columns|1e+308|must be at most 9007199254740991',
    ]);
    expect(refused(BASE.replace('sizeKiB: 64', 'sizeKib: 64'))).toEqual([
      'bad.yaml: buffer.sizeKiB|missing|add a number',
      'bad.yaml: buffer.sizeKib|unknown key|did you mean sizeKiB?',
    ]);
    expect(refused(BASE.replace('mac.int8: 0.3', 'mac.int9: 0.3'))).toEqual([
      'bad.yaml: prices.array.mac.int9|unknown key|did you mean mac.int8?',
    ]);
    expect(refused(BASE.replace('kind: one', 'kind: three'))[0]).toMatch(
      /^bad\.yaml: buffer\.kind\|"three"\|choose one of one, two/,
    );
  });

  it('refuses duplicate keys with line and column', () => {
    expect(refused(`${BASE}clockMHz: 5\n`)[0]).toMatch(
      /^bad\.yaml:17:1\|Map keys must be unique\|keep one of the two$/,
    );
  });

  it('refuses broken YAML with line and column', () => {
    expect(refused('name: x\narray: { rows: 1\n')[0]).toMatch(/^bad\.yaml:\d+:\d+\|/);
  });

  it.each([
    ['', 'null'],
    ['- 1\n', '[1]'],
    ['hello\n', '"hello"'],
  ])('refuses a file that is no map: %j', (text, found) => {
    expect(refused(text)).toEqual([`bad.yaml|holds ${found}|a machine file is a map of fields, see arch/README.md`]);
  });

  it('refuses missing and unknown kinds and names', () => {
    expect(refused(BASE.replace('kind: toy\n', ''))).toEqual(['bad.yaml: kind|missing|choose one of toy']);
    expect(refused(BASE.replace('kind: toy', 'kind: tyo'))).toEqual([
      'bad.yaml: kind|unknown kind tyo|did you mean toy?',
    ]);
    expect(refused(BASE.replace('name: base\n', ''))).toEqual(['bad.yaml: name|missing|add a text']);
    expect(refused(BASE.replace('name: base', 'name: 5'))[0]).toBe('bad.yaml: name|5|write a text');
  });

  it('refuses sources of unknown kinds and of fields that do not exist', () => {
    expect(refused(BASE.replace('kind: measured', 'kind: guessed'))[0]).toMatch(
      /^bad\.yaml: sources\.buffer\|.*\|write \{ kind: paper \| datasheet/,
    );
    expect(refused(`${BASE}  array.rowz: { kind: paper, ref: X }\n`)).toEqual([
      'bad.yaml: sources.array.rowz|there is no such field|did you mean array.rows?',
    ]);
  });

  it('refuses files made to exhaust memory or change prototypes', () => {
    expect(refused('__proto__: { x: 1 }\n')[0]).toMatch(/has a key __proto__/);
    expect(refused(`name: ${'['.repeat(100_000)}\n`)[0]).toMatch(/nested more than 64 levels/);
    expect(refused(`name: "${'x'.repeat(4_200_000)}"\n`)[0]).toMatch(/at most 4194304/);
    const bomb = Array.from(
      { length: 12 },
      (_, n) =>
        `a${n}: &a${n} [${Array(9)
          .fill(n === 0 ? 'x' : `*a${n - 1}`)
          .join(', ')}]`,
    );
    expect(refused(`${bomb.join('\n')}\n`)[0]).toMatch(/aliases/);
  });

  it('refuses unknown machines with a suggestion, folders, and paths that lead nowhere', () => {
    expect(refusal(() => load('tpuv'))[0]).toMatch(/^--arch\|there is no machine "tpuv"\|did you mean tpuv\d?/);
    expect(refusal(() => load(''))[0]).toMatch(/^--arch\|there is no machine ""\|/);
    expect(refusal(() => load('qqqqqqqq'))[0]).toMatch(/tpuv1/);
    expect(refusal(() => load(folder))[0]).toMatch(/is a folder/);
    expect(refusal(() => load(`${folder}/missing.yaml`))[0]).toMatch(/there is no file/);
  });
});
