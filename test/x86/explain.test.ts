import { describe, expect, it } from 'vitest';
import { boundsOf } from '../../src/models/x86/bounds.ts';
import { explain, slotShares } from '../../src/models/x86/explain.ts';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { type Mode, predict, prepare } from '../../src/models/x86/predict.ts';
import { traceBlock } from '../../src/models/x86/trace.ts';
import { loadCore } from '../../src/x86-core.ts';

const core = loadCore('cascadelake', []);

function look(hex: string, mode: Mode = 'unrolled') {
  const block = prepare(bytesOfHex(hex), mode, core);
  const times = traceBlock(block, core, block.iterations);
  const { portUops } = predict(block, core);
  return { facts: explain(block, times), shares: slotShares(times, core), ...boundsOf(block, portUops, core.spec) };
}

describe('marks', () => {
  it.each([
    ['vxorps xmm0,xmm0,xmm0', 'c5f857c0', ['zero idiom']],
    ['vpcmpeqd xmm0,xmm0,xmm0', 'c5f976c0', ['ones idiom']],
    ['mov rax,rbx', '4889d8', ['move eliminated']],
    ['nop', '90', ['not executed']],
    ['add rax,[rbx]', '480303', ['micro-fused']],
    ['vaddps ymm0,ymm1,[rsi+rax]', 'c5f4580406', ['un-laminated']],
    ['div rcx', '48f7f1', ['microcode', 'divider']],
    ['divps xmm0,xmm1', '0f5ec1', ['divider']],
    ['add ax,1234h', '6605 3412', ['length-changing prefix']],
    ['fadd st,st(0)', 'd8c0', ['unknown']],
    ['add rax,rbx', '4801d8', []],
  ])('%s', (_, hex, marks) => {
    expect(look(hex).facts[0]!.marks).toEqual(marks);
  });

  it('a loop closes with a fused pair, unless a cache line parts the two', () => {
    expect(look('90', 'loop').facts[1]!.marks).toEqual(['macro-fused']);
    // 61 bytes of code: dec r15 ends with the line.
    const parted = look('90'.repeat(61), 'loop').facts.at(-1)!;
    expect(parted).toMatchObject({ executedUops: 2, issueSlots: 2, marks: [] });
  });

  it('the stack engine pays where rsp is used after a push', () => {
    // push rax; mov rcx, rsp
    const [push, move] = look('50 4889e1').facts;
    expect(push!.marks).toEqual(['micro-fused']);
    expect(move!.marks).toContain('stack sync');
    expect(move!.issueSlots).toBe(2);
  });

  it('a load that meets a store in flight is forwarded, or waits if it wants more bytes', () => {
    // mov [rax], rbx; mov rcx, [rax]
    expect(look('488918 488b08').facts[1]!.marks).toEqual(['forwarded']);
    // mov [rax], bl; mov rcx, [rax]
    expect(look('8818 488b08').facts[1]!.marks).toEqual(['forwarding blocked']);
  });
});

describe('numbers of an instruction', () => {
  it('add rax,[rbx]: a load of five cycles, then one more, on one load port and one for arithmetic', () => {
    const [add] = look('480303').facts;
    expect(add).toMatchObject({ executedUops: 2, issueSlots: 1, latencyCycles: 6 });
    expect(add!.ports[2]! + add!.ports[3]!).toBeCloseTo(1, 2);
    expect(add!.ports[0]! + add!.ports[1]! + add!.ports[5]! + add!.ports[6]!).toBeCloseTo(1, 2);
  });

  it('a store has no result, a nop nothing at all', () => {
    expect(look('488918').facts[0]).toMatchObject({ executedUops: 2, issueSlots: 1, latencyCycles: null });
    expect(look('90').facts[0]).toMatchObject({ executedUops: 0, issueSlots: 1, latencyCycles: null });
  });
});

describe('issue slots', () => {
  it('are all used by moves that need nothing', () => {
    // Nine nops of one byte and the fused pair in a loop: ten slots, from the micro-op cache.
    expect(look('90'.repeat(9), 'loop').shares.used).toBeGreaterThan(0.95);
  });

  it('stay empty behind a slow front end, and are held back before a full scheduler', () => {
    // Nops of eight bytes: two an iteration of 16 bytes, one window a cycle.
    const empty = look('0f1f840000000000'.repeat(2)).shares;
    expect(empty.used).toBeCloseTo(0.5, 1);
    expect(empty.frontEnd).toBeCloseTo(0.5, 1);
    const { shares } = look('480fafc0');
    expect(shares.backEnd).toBeGreaterThan(0.85);
    expect(shares.used + shares.frontEnd + shares.backEnd).toBeCloseTo(1, 9);
  });
});

describe('the bottleneck by name', () => {
  it.each([
    ['480fafc0', 'unrolled', 'dependence chain', [0]],
    // nop of 8 bytes, twice: 16 bytes of code a cycle.
    ['0f1f840000000000 0f1f840000000000', 'unrolled', 'predecoder', []],
    // bswap of 64 bits is two micro-ops, and only the first decoder takes such.
    ['480fc8 480fc9', 'unrolled', 'decoders', []],
    // Ten slots in two lines of the micro-op cache.
    ['90'.repeat(9), 'loop', 'issue', []],
    // Three shuffles in a loop.
    ['660f70c100 660f70d100 660f70d900', 'loop', 'port 5', []],
    ['0f5ec1 0f28c2 0f5ee1 0f28e2', 'loop', 'divider', []],
    // mov rax, [rbx]; add rax, 1; mov [rbx], rax
    ['488b03 4883c001 488903', 'loop', 'store forwarding', [0, 1, 2]],
    // mov [rax], bl; mov rcx, [rax]
    ['8818 488b08', 'loop', 'blocked store forwarding', [0, 1]],
  ] as const)('%s (%s): %s', (hex, mode, name, chain) => {
    const found = look(hex, mode);
    expect(found.bottleneck).toBe(name);
    if (name.includes('chain') || name.includes('forwarding')) expect(found.chain).toEqual(chain);
  });

  it('the chain leads from iteration to iteration; what hangs on it is no part of it', () => {
    // add rax, 8; mov rbx, [rax]; imul rbx, rbx
    expect(look('4883c008 488b18 480fafdb').chain).toEqual([0]);
  });
});
