import { describe, expect, it } from 'vitest';
import { decodeBlock } from '../../src/models/x86/decode.ts';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { addressSlice } from '../../src/models/x86/values/slice.ts';

/** Mnemonics of what is followed. */
function followed(hex: string): string[] {
  const instructions = decodeBlock(bytesOfHex(hex.replaceAll(' ', '')));
  const isNeeded = addressSlice(instructions);
  return instructions.filter((_, index) => isNeeded[index]).map(({ mnemonic }) => mnemonic);
}

describe('what addresses depend on', () => {
  it.each([
    // add rax, 8; imul rcx, rdx; mov rbx, [rax]
    ['a pointer that moves, not the arithmetic beside it', '4883c008 480fafca 488b18', ['add']],
    // mov rbx, [rax]; mov rcx, [rbx]; mov [rsi], rdx: the store may change the pointer.
    ['loaded pointers, and stores that may change them', '488b18 488b0b 488916', ['mov', 'mov']],
    // imul rdx, rdi; mov rbx, [rax]; mov rcx, [rbx]; mov [rsi], rdx
    ['what such stores write', '480fafd7 488b18 488b0b 488916', ['imul', 'mov', 'mov']],
    // imul rdx, rdi; mov rbx, [rax]; mov [rsi], rdx: no address is loaded.
    ['no stores where no address is loaded', '480fafd7 488b18 488916', []],
    // lea rax, [rbx + rcx]; inc rcx; add rdx, rdi; mov [rax], rdi
    ['the address of a lea', '488d040b 48ffc1 4801fa 488938', ['lea', 'inc']],
    // addps xmm0, xmm1; cmp rdx, rdi; cmove rax, rcx; mov rbx, [rax]: all that forgets flags.
    ['everything where flags are', '0f58c1 4839fa 480f44c1 488b18', ['addps', 'cmp', 'cmove', 'mov']],
    // push rax; add rcx, rdx; pop rbx
    ['the stack', '50 4801d1 5b', ['push', 'pop']],
    // vpgatherdd would need vectors: paddd xmm1, xmm2; vgatherdps xmm0, [rax + xmm1], xmm3
    ['no vectors of indices', '660ffeca c4e261920408', []],
  ])('%s', (_, hex, mnemonics) => {
    expect(followed(hex)).toEqual(mnemonics);
  });
});
