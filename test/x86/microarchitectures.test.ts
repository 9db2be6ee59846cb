import { describe, expect, it } from 'vitest';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { predict, prepare } from '../../src/models/x86/predict.ts';
import { loadCore } from '../../src/x86-core.ts';

const NAMES = ['ivybridge', 'haswell', 'broadwell', 'skylake', 'cascadelake', 'icelake'] as const;
const CORES = NAMES.map((name) => loadCore(name, []));

function cyclesOn(core: (typeof CORES)[number], hex: string, mode: 'unrolled' | 'loop'): number {
  return predict(prepare(bytesOfHex(hex), mode, core), core).cyclesPerIteration;
}

/**
 * Published figures (uops.info; Fog, instruction tables; Intel's optimisation manual) of one block on each core, from Ivy Bridge to
 * Ice Lake; null where the core does not have the instruction.
 */
const BLOCKS: readonly (readonly [what: string, hex: string, cycles: readonly (number | null)[]])[] = [
  ['adc rax,rax: two micro-ops up to Haswell', '4811c0', [2, 2, 1, 1, 1, 1]],
  ['cmove rax,rcx: two micro-ops up to Haswell', '480f44c1', [2, 2, 1, 1, 1, 1]],
  ['addps xmm0,xmm0: its own unit up to Broadwell', '0f58c0', [3, 3, 3, 4, 4, 4]],
  ['mulps xmm0,xmm0', '0f59c0', [5, 5, 3, 4, 4, 4]],
  ['vfmadd231ps ymm0,ymm1,ymm2', 'c4e275b8c2', [null, 5, 5, 4, 4, 4]],
  ['vdivps xmm0,xmm1,xmm2: divider', 'c5f05ec2', [7, 7, 5, 3, 3, 3]],
  ['vdivps ymm0,ymm1,ymm2: divider', 'c5f45ec2', [14, 14, 10, 5, 5, 5]],
  ['vdivps zmm0,zmm1,zmm2: divider', '62f174485ec2', [null, null, null, 10, 10, 10]],
  ['vdivpd ymm0,ymm1,ymm2: divider', 'c5f55ec2', [28, 28, 16, 8, 8, 8]],
  ['roundps xmm0,xmm0,0: 1 addition, 2 additions, 2 FMA', '660f3a08c000', [3, 6, 6, 8, 8, 8]],
  ['pmulld xmm0,xmm0: two passes from Haswell on', '660f3840c0', [5, 10, 10, 10, 10, 10]],
  ['vinsertf128 ymm0,ymm0,xmm0,1: across lanes', 'c4e37d18c001', [2, 3, 3, 3, 3, 3]],
  ['aesenc xmm0,xmm0', '660f38dcc0', [8, 7, 7, 4, 4, 3]],
  ['vpshufb xmm0,xmm1,xmm2: two shuffle units', 'c4e27100c2', [0.5, 1, 1, 1, 1, 0.5]],
  ['vpslld xmm0,xmm1,3: one shift unit up to Broadwell', 'c5f972f103', [1, 1, 1, 0.5, 0.5, 0.5]],
  ['mov rax,[rax]: pointer chase', '488b00', [4, 4, 4, 4, 4, 5]],
  ['mov rcx,rax; imul rax,rcx: the move is eliminated but on Ice Lake', '4889c1480fafc1', [3, 3, 3, 3, 3, 4]],
  ['mov [rdi+rsi],rax and 3 nops: Ivy Bridge issues the store in two slots', '48890437909090', [1.25, 1, 1, 1, 1, 1]],
];

describe('microarchitectures', () => {
  it.each(BLOCKS)('%s', (_, hex, expected) => {
    expected.forEach((cycles, at) => {
      const core = CORES[at]!;
      const { unknown } = prepare(bytesOfHex(hex), 'unrolled', core).program;
      expect(unknown.length, NAMES[at]).toBe(cycles === null ? 1 : 0);
      if (cycles !== null)
        expect(Math.abs(cyclesOn(core, hex, 'unrolled') - cycles), NAMES[at]).toBeLessThan(0.02 * cycles);
    });
  });

  it('issue four slots a cycle, Ice Lake five: nine nops and the fused dec and jnz of the loop', () => {
    // Ivy Bridge streams the loop from its queue, an iteration after the other: ten slots in three groups.
    expect(CORES.map((core) => cyclesOn(core, '90'.repeat(9), 'loop'))).toEqual([3, 2.5, 2.5, 2.5, 2.5, 2]);
  });
});
