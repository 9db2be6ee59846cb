import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBlock } from '../../src/models/x86/decode.ts';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { accessesOf, evaluator } from '../../src/models/x86/values/evaluate.ts';

/** What all general registers, and all words of memory, hold at the start. */
const START = 0x12345600;

/** Addresses of the accesses, iteration by iteration, as bytes from the start value; and how they move from there on. */
function follow(hex: string, iterations: number) {
  const instructions = decodeBlock(bytesOfHex(hex.replaceAll(' ', '')));
  const one = evaluator(instructions, accessesOf(instructions));
  const addresses = Array.from({ length: iterations }, () => {
    one.step();
    return [...one.low].map((low) => (low - START) | 0);
  });
  return { addresses, motion: one.motion(), known: [...one.known] };
}

describe('addresses of the iterations', () => {
  it.each([
    // add rax, 8; mov [rax], rbx
    ['a pointer that moves', '4883c008 488918', [[8], [16], [24]], 'together'],
    // push rax; push rbx; pop rcx
    [
      'the stack',
      '50 53 59',
      [
        [-8, -16, -16],
        [-16, -24, -24],
        [-24, -32, -32],
      ],
      'together',
    ],
    // lea rax, [rax + 4]; mov [rax + 2 * rbx - 0x24], rdx; inc rbx; mov rcx, [rsi]: 2 * START is START more.
    [
      'an index too, beside a pointer that stays',
      '488d4004 48895458dc 48ffc3 488b0e',
      [
        [2 * START - 0x20, 0],
        [2 * START - 0x1a, 0],
        [2 * START - 0x14, 0],
      ],
      'apart',
    ],
    // mov rbx, [rax]; mov rcx, [rbx]: memory holds the start value.
    [
      'loaded pointers',
      '488b18 488b0b',
      [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      'still',
    ],
    // add [rax], rcx; mov rdx, [rax]; mov rbx, [rdx]: the pointer in memory grows by START each time.
    [
      'a pointer in memory that grows',
      '480108 488b10 488b1a',
      [
        [0, 0, 0, START],
        [0, 0, 0, 2 * START],
      ],
      'apart',
    ],
    // imul rax, rax, 3; mov rcx, [rax]
    ['products', '486bc003 488b08', [[2 * START], [8 * START], [26 * START]], 'apart'],
    // mov rcx, [rax]; mov rdx, [rbx]
    ['nothing that moves', '488b08 488b13', [[0, 0]], 'still'],
  ])('%s', (_, hex, addresses, motion) => {
    const found = follow(hex, addresses.length);
    expect(found.addresses).toEqual(addresses.map((row) => row.map((one) => one | 0)));
    expect(found.motion).toBe(motion);
  });

  it('of 32 bits wrap', () => {
    // sub rax, 0x12345600; mov ecx, [eax]: at zero, then below.
    const program = decodeBlock(bytesOfHex('482d00563412678b08'));
    const one = evaluator(program, accessesOf(program));
    one.step();
    one.step();
    expect([one.low[0], one.high[0]]).toEqual([-START, 0]);
  });

  it('are the same where an instruction that changes nothing hides that constants are added', () => {
    const byte = fc.integer({ min: 0, max: 255 }).map((value) => value.toString(16).padStart(2, '0'));
    const forms = ['4883c0', '4883c3', '4883e8', '488d40', '488d5b', '488b5458', '488948'];
    const one = fc.oneof(
      fc.tuple(fc.constantFrom(...forms), byte).map(([form, value]) => form + value),
      fc.constantFrom('48ffc3', '48ffc8', '51', '59', '48890b'),
    );
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 12 }), (block) => {
        const hex = block.join('');
        // and rax, -1; and rbx, -1; and rsp, -1
        const hidden = follow(`${hex}4883e0ff4883e3ff4883e4ff`, 7);
        expect(follow(hex, 7).addresses).toEqual(hidden.addresses);
      }),
      { seed: 20261121, numRuns: 300 },
    );
  });
});
