import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readElf } from '../../src/binary/elf.ts';
import { InputError } from '../../src/errors.ts';
import { buildElf } from './build-elf.ts';

const CODE = Uint8Array.of(0x48, 0x01, 0xc0, 0xc3, 0x90, 0xc3);
const SYMBOLS = [
  { name: 'twice', offset: 0, sizeBytes: 4 },
  { name: 'rest', offset: 4, sizeBytes: 0 },
];

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return '';
}

describe('readElf', () => {
  it('finds code and the symbols in it, in objects and in executables', () => {
    for (const options of [{}, { isObject: false, address: 0xffffffff81000000n }]) {
      const { sections, symbols } = readElf(buildElf(CODE, SYMBOLS, options), 'f.o');
      expect(sections.map(({ name }) => name)).toEqual(['.text']);
      expect([...sections[0]!.bytes]).toEqual([...CODE]);
      expect(sections[0]!.address).toBe('address' in options ? options.address : 0n);
      expect(symbols.map(({ name, offset, sizeBytes }) => ({ name, offset, sizeBytes }))).toEqual(SYMBOLS);
    }
  });

  it('refuses what is cut off at any byte, and never reads beyond the end', () => {
    const whole = buildElf(CODE, SYMBOLS);
    for (let length = 0; length < whole.length; length += 1) {
      const message = refusal(() => readElf(whole.slice(0, length), 'f.o'));
      expect(message, `${length} bytes`).toMatch(/f\.o: /);
    }
  });

  it('survives any damage: it reads the file or refuses it', () => {
    const whole = buildElf(CODE, SYMBOLS);
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(damage, (changes) => {
        const broken = whole.slice();
        for (const [at, value] of changes) broken[at] = value;
        try {
          for (const { section, offset, sizeBytes } of readElf(broken, 'f.o').symbols)
            expect(offset + sizeBytes).toBeLessThanOrEqual(section.bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { seed: 7, numRuns: 3000 },
    );
  });

  it.each([
    ['32-bit code', 4, 1, /64-bit x86/],
    ['code of another processor', 18, 183, /64-bit x86/],
    ['big-endian code', 5, 2, /64-bit x86/],
  ])('refuses %s', (_, at, value, message) => {
    const file = buildElf(CODE, SYMBOLS);
    file[at] = value;
    expect(refusal(() => readElf(file, 'f.o'))).toMatch(message);
  });

  it('refuses a file without section headers', () => {
    const file = buildElf(CODE, SYMBOLS);
    file.fill(0, 40, 48);
    expect(refusal(() => readElf(file, 'f.o'))).toMatch(/no section headers/);
  });
});
