import { describe, expect, it } from 'vitest';
import { type Selection, selectCode } from '../../src/binary/select.ts';
import { InputError } from '../../src/errors.ts';
import { buildElf } from './build-elf.ts';

const START = [0xbb, 0x6f, 0, 0, 0, 0x64, 0x67, 0x90];
const END = [0xbb, 0xde, 0, 0, 0, 0x64, 0x67, 0x90];
const ADD = [0x48, 0x01, 0xc0];
const IMUL = [0x48, 0x0f, 0xaf, 0xc0];

const regions = (code: readonly number[], selection: Selection = {}) =>
  selectCode(Uint8Array.from(code), 'code.bin', selection).map(({ name, bytes }) => [name, [...bytes]]);

function refusal(act: () => unknown): string[] {
  try {
    act();
  } catch (error) {
    if (error instanceof InputError) return error.problems.map((one) => `${one.where}: ${one.found}; ${one.remedy}`);
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('marked regions', () => {
  it('are what lies between the markers, each a region of its own', () => {
    expect(regions([0x90, ...START, ...ADD, ...END, 0xc3, ...START, ...IMUL, ...END])).toEqual([
      ['region 1 of code.bin', ADD],
      ['region 2 of code.bin', IMUL],
    ]);
  });

  it('are not needed in plain code', () => {
    expect(regions(ADD)).toEqual([['', ADD]]);
  });

  it('lists every marker without its partner, with its address', () => {
    expect(refusal(() => regions([...ADD, ...END]))).toEqual([
      expect.stringMatching(/0x3: an end marker without a start/),
    ]);
    expect(refusal(() => regions([...START, ...ADD]))).toEqual([
      expect.stringMatching(/0x0: a start marker without an end/),
    ]);
    expect(refusal(() => regions([...END, ...START, ...START, ...END, ...START]))).toEqual([
      expect.stringMatching(/0x0: an end marker/),
      expect.stringMatching(/0x8: a start marker .*cannot be nested/),
      expect.stringMatching(/0x20: a start marker/),
    ]);
  });
});

describe('an ELF file', () => {
  const symbols = [
    { name: 'first', offset: 0, sizeBytes: 3 },
    { name: 'second', offset: 3, sizeBytes: 0 },
    { name: 'third', offset: 7, sizeBytes: 1 },
  ];
  const elf = buildElf(Uint8Array.from([...ADD, ...IMUL, 0xc3]), symbols);
  const program = buildElf(Uint8Array.from([...ADD, ...IMUL, 0xc3]), symbols, { isObject: false, address: 0x401000n });
  const pick = (file: Uint8Array, selection: Selection) =>
    selectCode(file, 'f.o', selection).map(({ name, bytes }) => [name, [...bytes]]);

  it('gives a function by its name, and one without a size up to the next', () => {
    expect(pick(elf, { symbol: 'first' })).toEqual([['first', ADD]]);
    expect(pick(elf, { symbol: 'second' })).toEqual([['second', IMUL]]);
    expect(pick(program, { symbol: 'second' })).toEqual([['second', IMUL]]);
  });

  it('gives a range by addresses, as a disassembler prints them', () => {
    expect(pick(elf, { range: '0:3' })).toEqual([['0', ADD]]);
    expect(pick(program, { range: '0x401003:0x401007' })).toEqual([['0x401003', IMUL]]);
    expect(pick(program, { range: '.text:0x401003:0x401007' })).toEqual([['0x401003', IMUL]]);
  });

  it.each([
    [{}, /no marked region; .*--symbol.*it has first, third/],
    [{ symbol: 'secund' }, /no function secund; did you mean second\?/],
    [{ symbol: 'zzzzzzzz' }, /it has first, second, third/],
    [{ symbol: 'first', range: '0:1' }, /given together with --range/],
    [{ range: '3:0' }, /is empty/],
    [{ range: '0x' }, /write START:END/],
    [{ range: '0:9' }, /lies outside of the code; code is in \.text 0x0:0x8/],
    [{ range: '.data:0:1' }, /no section \.data/],
  ])('refuses %j', (selection, message) => {
    expect(refusal(() => pick(elf, selection))[0]).toMatch(message);
  });

  it('is needed for a name', () => {
    expect(refusal(() => regions(ADD, { symbol: 'first' }))[0]).toMatch(/no ELF file and names nothing/);
  });
});
