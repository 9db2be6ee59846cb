import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { straightParts } from '../../src/models/x86/flow.ts';
import { bytesOfHex, hexOfBytes } from '../../src/models/x86/hex.ts';

describe('hex', () => {
  it.each([
    '4801c0',
    '48 01 C0',
    ' 48\n01\tc0 ',
    '48:01:c0',
    '0x48 0x01 0xc0',
    '0x48,0x1,0xC0',
    '{ 0x48, 0x01, 0xc0 };',
    '[0x48, 0x01, 0xc0]',
    '\\x48\\x01\\xc0',
    '"\\x48\\x01" "\\xc0"',
    "b'\\x48\\x01\\xc0'",
    '0x4801c0',
    '0x4801 c0',
    '\uFEFF4801c0',
  ])('%j is add rax, rax', (text) => {
    expect([...bytesOfHex(text)]).toEqual([0x48, 0x01, 0xc0]);
  });

  it('of any bytes reads back, however it is spaced', () => {
    const spelled = fc.array(fc.tuple(fc.nat(255), fc.constantFrom('', ' ', ', ', '\n')), { maxLength: 40 });
    fc.assert(
      fc.property(spelled, (parts) => {
        const text = parts.map(([byte, gap]) => byte.toString(16).padStart(2, '0') + gap).join('');
        expect([...bytesOfHex(text)]).toEqual(parts.map(([byte]) => byte));
      }),
      { seed: 3 },
    );
  });

  it('is written without spaces', () => {
    expect(hexOfBytes(Uint8Array.of(0xff, 0x48, 0x01, 0xc0).subarray(1))).toBe('4801c0');
  });

  it.each([
    ['48z1', /character 3: "z"/],
    ['48 01 g0', /character 7: "g"/],
    ['48\u00e901', /character 3: "\u00e9"/],
    ['480', /3 digits/],
    ['0x48 0x011', /3 digits in 0x011/],
    ['0'.repeat(70_000), /70000 characters/],
  ])('%j is refused', (text, message) => {
    expect(() => bytesOfHex(text)).toThrow(InputError);
    expect(() => bytesOfHex(text)).toThrow(message);
  });
});

const parts = (hex: string, lead = 0) =>
  straightParts(bytesOfHex(hex), lead).map(({ offset, bytes, isLoop }) => [offset, hexOfBytes(bytes), isLoop]);

describe('code with jumps', () => {
  it('is parted at jumps and at what they jump to', () => {
    // add rax, rax; je +3 (over the imul); imul rax, rax; nop; ret
    expect(parts('4801c0 7404 480fafc0 90 c3')).toEqual([
      [0, '4801c0', false],
      [5, '480fafc0', false],
      [9, '90', false],
    ]);
  });

  it('a part that jumps back to its start is a loop', () => {
    // xor eax, eax; L: imul rax, rax; dec rcx; jne L; ret
    expect(parts('31c0 480fafc0 48ffc9 75f7 c3')).toEqual([
      [0, '31c0', false],
      [2, '480fafc048ffc9', true],
    ]);
  });

  it('a compare that fuses with the jump goes with it, but not one with memory', () => {
    expect(parts('480fafc0 4839c8 75f7')).toEqual([[0, '480fafc0', true]]);
    expect(parts('480fafc0 483b08 75f7')).toEqual([[0, '480fafc0483b08', true]]);
  });

  it('a jump to a marker before the code is one to its start', () => {
    expect(parts('480fafc0 75f2', 8)).toEqual([[0, '480fafc0', true]]);
    expect(parts('480fafc0 75f2')).toEqual([[0, '480fafc0', false]]);
  });

  it('calls part it; nothing but jumps is nothing', () => {
    expect(parts('90 e800000000 90')).toEqual([
      [0, '90', false],
      [6, '90', false],
    ]);
    expect(parts('c3 ebfe')).toEqual([]);
  });

  it('ends with bytes that are no instruction, to be refused where they are', () => {
    expect(parts('90 06 90')).toEqual([[0, '900690', false]]);
    expect(parts(`90 06 ${'90'.repeat(50)}`)).toEqual([[0, `9006${'90'.repeat(14)}`, false]]);
  });

  it('keeps every byte but jumps and their compares', () => {
    const code = fc.uint8Array({ minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(code, (bytes) => {
        let end = 0;
        for (const part of straightParts(bytes, 0)) {
          expect(part.offset).toBeGreaterThanOrEqual(end);
          end = part.offset + part.bytes.length;
          expect([...part.bytes]).toEqual([...bytes.subarray(part.offset, end)]);
        }
        expect(end).toBeLessThanOrEqual(bytes.length);
      }),
      { seed: 11, numRuns: 500 },
    );
  });
});
