import { describe, expect, it } from 'vitest';
import { decodeBlock } from '../../src/models/x86/decode.ts';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { accessesOf, evaluator } from '../../src/models/x86/values/evaluate.ts';

const decode = (hex: string) => decodeBlock(bytesOfHex(hex.replaceAll(' ', '')));

describe('instructions met before', () => {
  // mov rax, [rip + 0x10]: 7 bytes, from the end of the instruction on.
  const load = '488b0510000000';

  it('have addresses from their own start on', () => {
    const loads = decode(`${load} 90 ${load} ${load}`).filter(({ mnemonic }) => mnemonic === 'mov');
    expect(loads.map(({ memory }) => [memory?.low, memory?.high])).toEqual([
      [0x17, 0],
      [0x17, 0],
      [0x17, 0],
    ]);
    // mov rax, [rip - 8]
    expect(decode('90 488b05f8ffffff')[1]?.memory).toMatchObject({ low: -1, high: -1 });
  });

  it('are followed from where they are', () => {
    // mov [rip + 0x10], rax at 0 and at 8; mov rax, [rip + 8] at 15: from the ends at 7, 15 and 22.
    const program = decode('48890510000000 90 48890510000000 488b0508000000');
    const one = evaluator(program, accessesOf(program));
    one.step();
    expect([...one.low]).toEqual([0x17, 0x1f, 0x1e]);
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
