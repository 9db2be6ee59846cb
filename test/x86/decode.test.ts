import { describe, expect, it } from 'vitest';
import { decodeBlock } from '../../src/models/x86/decode.ts';
import { bytesOfHex } from '../../src/models/x86/hex.ts';

const decode = (hex: string) => decodeBlock(bytesOfHex(hex.replaceAll(' ', '')));

describe('instructions met before', () => {
  // mov rax, [rip + 0x10]: 7 bytes, from the end of the instruction on.
  const load = '488b0510000000';

  it('have the address of where they are', () => {
    const [first, second, third] = decode(`${load} 90 ${load} ${load}`).filter(({ mnemonic }) => mnemonic === 'mov');
    expect([first, second, third].map((one) => [one?.offset, one?.memory?.low, one?.memory?.high])).toEqual([
      [0, 0x17, 0],
      [8, 0x1f, 0],
      [15, 0x26, 0],
    ]);
  });

  it('carry into the upper half of the address', () => {
    // mov rax, [rip - 8]: at 0 below the block, at 1 its first byte.
    const back = '488b05f8ffffff';
    const addresses = (hex: string) =>
      decode(hex).flatMap(({ memory }) => (memory === null ? [] : [[memory.low, memory.high]]));
    expect(addresses(back)).toEqual([[-1, -1]]);
    expect(addresses(`90 ${back}`)).toEqual([[0, 0]]);
    expect(addresses(back)).toEqual([[-1, -1]]);
  });

  it('differ where one byte does', () => {
    // add rax, rax; add rax, rcx; add eax, eax; vaddps with and without a mask
    const forms = (hex: string) => decode(hex).map(({ form, reads }) => `${form} ${[...reads].join(' ')}`);
    expect(forms('4801c0 4801c8 01c0 4801c0')).toEqual([
      'add r64,r64 0',
      'add r64,r64 0 1',
      'add r32,r32 0',
      'add r64,r64 0',
    ]);
  });
});
