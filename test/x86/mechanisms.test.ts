import { describe, expect, it } from 'vitest';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { type Mode, predict, prepare } from '../../src/models/x86/predict.ts';
import { loadCore } from '../../src/x86-core.ts';

const core = loadCore('cascadelake', []);
function cycles(hex: string, mode: Mode = 'unrolled', sets: readonly string[] = []): number {
  const used = sets.length === 0 ? core : loadCore('cascadelake', sets);
  return predict(prepare(bytesOfHex(hex), mode, used), used).cyclesPerIteration;
}

describe('what a block isolates', () => {
  it('zero idioms pass the renamer four a cycle: 100 take 25 cycles', () => {
    expect(cycles('c5f857c0'.repeat(100))).toBeCloseTo(25, 1);
    // Executed on the three vector ports, as a reading of the manual alone suggests.
    expect(cycles('c5f857c0'.repeat(100), 'unrolled', ['renamer.zeroIdioms=false'])).toBeCloseTo(100 / 3, 1);
  });

  it.each([
    ['add rax,rax', '4801c0', 1],
    ['imul rax,rax', '480fafc0', 3],
    ['popcnt rax,rax', 'f3480fb8c0', 3],
    ['mulsd xmm0,xmm0', 'f20f59c0', 4],
    ['divps xmm0,xmm0', '0f5ec0', 11],
    ['lea rax,[rax+rax+8] (three parts)', '488d440008', 3],
    ['lea rax,[rax+8] (two parts)', '488d4008', 1],
  ])('a chain of %s costs its latency', (_, hex, latency) => {
    expect(cycles(hex)).toBeCloseTo(latency, 6);
    expect(cycles(hex, 'loop')).toBeCloseTo(latency, 6);
  });

  it('a load of a pointer takes 4 cycles, with a displacement of 2048 or more 5', () => {
    expect(cycles('488b00')).toBeCloseTo(4, 6);
    expect(cycles('488b8000100000')).toBeCloseTo(5, 6);
  });

  it('two loads, one store a cycle', () => {
    expect(cycles('488b0b488b13')).toBeCloseTo(1, 1);
    expect(cycles('48890e48894e40')).toBeCloseTo(2, 1);
  });

  it('a group is renamed whole or not at all: four chains of additions and the loop fall short of their ports', () => {
    // add rax,rcx; add rdx,rcx; add rbx,rcx; add rsi,rcx: measured 1.44 as a loop, 1.24 unrolled
    expect(cycles('4801c84801ca4801cb4801ce', 'loop')).toBeCloseTo(1.44, 1);
    expect(cycles('4801c84801ca4801cb4801ce')).toBeCloseTo(1.24, 1);
    // mulss twice, cvttss2si, cmp: cvttss2si and the next mulss always wait at the same port, measured 9.01
    expect(cycles('f30f59c1f30f59c2f3440f2cd04181faffff0000', 'loop')).toBeCloseTo(9, 2);
  });

  it('micro-ops that cannot run on port 6 have three quarters of the scheduler: long vector chains overlap less', () => {
    // Two vpmovzxwd from memory, arithmetic with vpmulld, vextracti128, vpackusdw: measured 5.46
    const hex =
      'c4427d336c0a50c4c27d33440a52c4c17dfac5c4c11d72f505c4e27d40c1c51dfee3c4c17dfec4c5fd72d005c4c37d39c401c4c27d2bc4';
    expect(cycles(hex)).toBeGreaterThan(4.5);
    expect(cycles(hex, 'unrolled', ['backEnd.vectorScheduler=58'])).toBeLessThan(4.2);
  });

  it('the address of a store takes the load port with fewer micro-ops: it stays out of the way of a pointer chase', () => {
    // movsxd rdx,[r13+0x10]; mov rax,[rax+0x38]; mov [rax+rdx*8],rbx: measured 4.02 as a loop, 4.21 unrolled
    expect(cycles('49635510488b403848891cd0', 'loop')).toBeLessThan(4.2);
    expect(cycles('49635510488b403848891cd0')).toBeLessThan(4.4);
  });

  it('eliminated moves add no latency to a chain', () => {
    // mov rcx,rax; lea rax,[rcx+1]
    expect(cycles('4889c1488d4101')).toBeCloseTo(1, 6);
    expect(cycles('4889c1488d4101', 'unrolled', ['renamer.moveElimination=false'])).toBeCloseTo(2, 6);
  });

  it('a store is forwarded to the load behind it: 4.4 cycles, 6 for 256 bits, and none is free', () => {
    expect(cycles('488903488b03')).toBeCloseTo(4.4, 1);
    // vmovups [rbx],ymm0; vmovups ymm0,[rbx]
    expect(cycles('c5fc1103c5fc1003')).toBeCloseTo(6, 6);
    expect(cycles('488903488b03', 'unrolled', ['memory.forwarding=false'])).toBeCloseTo(1, 1);
  });

  it('a load wider than the store in flight waits for its write', () => {
    // mov [rbx],al; mov rax,[rbx] against mov [rbx],al; movzx eax,byte [rbx]
    expect(cycles('8803488b03')).toBeGreaterThan(cycles('88030fb603') + 5);
  });

  it('the stack engine moves rsp without micro-ops, but reading it costs one', () => {
    // push rax; pop rax: forwarded
    expect(cycles('5058')).toBeCloseTo(4.4, 1);
    // push rbx; push rcx against the same with mov rdx,rsp behind: a synchronising micro-op, on the chain of rsp
    expect(cycles('53514889e2')).toBeGreaterThanOrEqual(2);
  });

  it('a jump that ends at a 32-byte boundary keeps its lines out of the micro-op cache', () => {
    const nops = (bytes: number): string => '90'.repeat(bytes);
    expect(cycles(nops(17), 'loop')).toBeCloseTo(18 / 4, 1);
    const eightByteNop = '0f1f840000000000';
    const crossing = eightByteNop.repeat(3) + nops(3);
    expect(cycles(crossing, 'loop')).toBeGreaterThan(cycles(crossing, 'loop', ['frontEnd.jumpErratum=false']));
    const clear = eightByteNop.repeat(3);
    expect(cycles(clear, 'loop')).toBe(cycles(clear, 'loop', ['frontEnd.jumpErratum=false']));
  });

  it('only the first decoder takes a conditional move: two of them are decoded in two cycles', () => {
    // cmovne rcx,rdx; cmovne rsi,rdx: two ports, shared with the branch of the loop
    expect(cycles('480f45ca480f45f2')).toBeCloseTo(2, 1);
    expect(cycles('480f45ca480f45f2', 'loop')).toBeLessThan(1.8);
  });

  it('16 bytes are predecoded a cycle, and five instructions', () => {
    expect(cycles('0f1f840000000000'.repeat(4))).toBeCloseTo(2, 1);
    expect(cycles('90'.repeat(16))).toBeCloseTo(4, 1);
  });

  it('512-bit operations close port 1 to vectors', () => {
    // 12 independent vpaddd: three ports at 256 bits, two at 512
    const zmm = '62f17548fec2'.repeat(12);
    const ymm = 'c5f5fec2'.repeat(12);
    expect(cycles(zmm)).toBeCloseTo(6, 1);
    expect(cycles(ymm)).toBeCloseTo(4, 0);
  });

  it('the divider is busy beyond the micro-op that enters it', () => {
    // vdivps ymm1,ymm2,ymm3 independent: 5 cycles each
    expect(cycles('c5ec5ecb')).toBeCloseTo(5, 1);
  });

  it('an indexed load of a VEX instruction is issued apart from its operation', () => {
    // vaddps xmm1,xmm2,[rbx] against [rbx+rcx], beside nops that fill the slots
    const plain = 'c5e8580b';
    const indexed = 'c5e8580c0b';
    const nops = '90'.repeat(2);
    expect(cycles((indexed + nops).repeat(4), 'loop')).toBeGreaterThan(cycles((plain + nops).repeat(4), 'loop'));
  });

  it('the two halves of an un-laminated instruction go through the renamer together', () => {
    // vmulps ymm0,ymm1,[rcx+rdi*4]; vmovaps [rsi+rdi*4],ymm0; add rdi,8: five slots with the jump, measured 1.330
    expect(cycles('c5f45904b9c5fc2904be4883c708', 'loop')).toBeCloseTo(4 / 3, 2);
    // vmulpd and vfmadd231pd with indexed loads, a store, add, cmp: seven slots, measured 1.997
    expect(cycles('c4c16d590c04c4e2ddb80c02c4c17d110c044883c0204839c8')).toBeCloseTo(2, 2);
  });

  it('beside an immediate an indexed load is not micro-fused: two slots that need not stay together', () => {
    // vmovdqa xmm4,[rcx+r8]; vpshufb xmm4,xmm4,xmm12; vinserti128 ymm4,ymm4,[rcx+r8+0xc],1: measured 1.257
    expect(cycles('c4a1796f2401c4c25900e4c4a35d3864010c01', 'loop')).toBeCloseTo(1.25, 2);
    // Three vmovntdqa with an index, a load, a move, six zero idioms: 15 slots with the jump, measured 3.753
    const loads = '488b0cfa4989fbc4e27d2a1c01c4e27d2a7c0120c4627d2a5c0140';
    expect(cycles(`${loads}c5fdefc0c5ddefe4c4413defc0c5f5efc9c5d5efedc44135efc9`, 'loop')).toBeCloseTo(3.75, 2);
    // five moves and shifts, test byte [rax+rcx+3],2: it waits for the first decoder, measured 2.002
    expect(cycles('89cd448b542468488b42204489d148c1e105f644080302')).toBeCloseTo(2, 2);
  });

  it('seven micro-ops of one 32-byte window are two lines of the micro-op cache: two cycles an iteration', () => {
    expect(cycles('90'.repeat(6), 'loop')).toBeCloseTo(2, 2);
    expect(cycles('90'.repeat(5), 'loop')).toBeCloseTo(1.5, 2);
    // The seventh in the next window is read together with the first line of the next iteration.
    const eightByteNop = '0f1f840000000000';
    expect(cycles(`${eightByteNop.repeat(4)}90`, 'loop')).toBeCloseTo(1.5, 2);
  });

  it('the decoders start anew after the jump of a loop that the micro-op cache refuses', () => {
    // Eight instructions, dec and jnz end at byte 32: nine micro-ops in three groups, measured 2.998
    const hex = '4889fd8b47108947580f10070f114748488b7718488d5f284839f3';
    expect(cycles(hex, 'loop')).toBeCloseTo(3, 2);
    expect(cycles(hex, 'loop', ['frontEnd.jumpErratum=false'])).toBeLessThan(2.5);
  });

  it('a load that would run ahead of the address of the store it meets waits for it', () => {
    // mov rdx,[r11+0x18]; movdqu xmm5,[r12+0x10]; movups [rdx+0x10],xmm5; cmp r10,0x20: measured 8.0
    const hex = '498b5318f3410f6f6c24100f116a104983fa20';
    expect(cycles(hex)).toBeGreaterThan(7.5);
    expect(cycles(hex)).toBeLessThan(8.5);
    expect(cycles(hex, 'unrolled', ['memory.cautiousLoadCycles=0'])).toBeLessThan(6);
  });

  it('ucomiss does not join its load: one slot more than between registers', () => {
    expect(cycles('0f2e03909090', 'loop')).toBeCloseTo(1.5, 1);
    expect(cycles('0f2ec1909090', 'loop')).toBeCloseTo(1.25, 1);
  });

  it('dec and jnz are one micro-op', () => {
    expect(cycles('909090', 'loop')).toBeCloseTo(1, 2);
    expect(cycles('909090', 'loop', ['renamer.macroFusion=false'])).toBeCloseTo(1.25, 2);
  });

  it('a queue that is always full leaves only the renamer', () => {
    const nops = '0f1f840000000000'.repeat(4);
    expect(cycles(nops, 'unrolled', ['frontEnd.isModelled=false'])).toBeCloseTo(1, 2);
  });

  it('ports bound in turn overload the one that imul needs', () => {
    // imul r8,rcx,3; add to rax, rdx, rsi: four ports for four micro-ops, one of them bound to port 1
    const hex = '4c6bc103' + '4883c001' + '4883c201' + '4883c601';
    expect(cycles(hex, 'loop', ['backEnd.bindsByCount=false'])).toBeGreaterThan(cycles(hex, 'loop'));
  });
});

describe('micro-ops per port', () => {
  const ports = (hex: string, mode: Mode): readonly number[] =>
    predict(prepare(bytesOfHex(hex), mode, core), core).portUops;

  it('are those of the steady state, the filling of the pipeline left out', () => {
    // Three shuffles on port 5 and the closing jump on port 6.
    expect(ports('660f70c100660f70d100660f70d900', 'loop')).toEqual([0, 0, 0, 0, 0, 3, 1, 0, 0, 0]);
    // imul rax, rax
    expect(ports('480fafc0', 'unrolled')).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});
